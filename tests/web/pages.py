"""The addresses of the pages that are looked at in a browser. A test compares them with what there is: no page is left out."""

CALLED = [
    "/",
    "/?range=1h",
    "/traces",
    "/traces?user=x&status=failed",
    "/traces?q=statu:failed",
    "/traces?view=v1&columns=when,user,asked,said,score.thumbs,attribute.none&sort=took",
    "/rules",
    "/jobs",
    "/sessions",
    "/sessions/talk",
    "/users",
    "/scores",
    "/scores/thumbs",
    "/review",
    "/review/q1",
    "/review/q1/items",
    "/objectives",
    "/alerts",
    "/incidents",
    "/status",
    "/errors",
    "/errors/{error}",
    "/costs",
    "/costs?by=user&from=main&to=openai/gpt-4.1-mini",
    "/models",
    "/keys",
    "/traces/nothing",
    "/traces/compare?left={left}&right={right}",
    "/traces/{trace}",
]
"""Of an app that was called, where little else was set up."""

WATCHED = [
    "/objectives",
    "/objectives/answers",
    "/objectives/quiet",
    "/alerts",
    "/incidents",
    "/incidents/incident",
    "/status",
    "/night",
    "/releases?app=shop",
    "/releases/shop/1",
    "/releases/shop/rollouts",
    "/releases/{field}/rollouts/{rollout}",
    "/releases/shop/diff?left=1&right=1",
]
"""Of an app that has objectives."""

KNOWN = [
    "/knowledge",
    "/knowledge/shop/handbook",
    "/knowledge/shop/handbook/{leave}",
    "/knowledge/shop/handbook/{leave}?kind=sentence&size=100&overlap=0",
]
STOCKED = ["/knowledge/shop/stock/tables", "/knowledge/shop/stock/tables?table={table}"]
PROMPTED = [
    "/rules",
    "/rules/refusal?app=shop",
    "/prompts",
    "/prompts/shop/system?version=2&against=1",
    "/playground?version=2",
]

EVALUATED = [
    "/runs",
    "/runs/{done}?metric=length",
    "/runs/{done}?show=failed",
    "/runs/compare?runs={done},{going}",
    "/runs/{shaky}/robust",
    "/datasets",
    "/datasets/hay",
    "/choices",
    "/choices/report",
    "/canaries",
    "/canaries/cycle",
]
"""Of an app whose answers were tried."""

GATE = "/sign-in"
