"""Every page and its states, read as a browser without scripts reads them."""

import re
from decimal import Decimal
from urllib.parse import quote

import pytest

from rowen.values import Span, says

PAGES = (
    "/",
    "/?range=1h",
    "/?range=7d",
    "/?range=30d",
    "/traces",
    "/sessions",
    "/users",
    "/scores",
    "/models",
    "/keys",
)


# Who may read


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_sign_in_and_back(site, path: str):
    shown = site.stranger().get(path)

    assert shown.status == 303
    assert shown.headers["location"] == f"/sign-in?to={quote(path)}"


def test_an_address_without_a_page_says_so_to_strangers_and_to_readers(site):
    for reader in (site.stranger(), site.reader()):
        shown = reader.get("/no/such/page")

        assert shown.status == 404
        assert "There is no such page." in shown.text
        assert "content-security-policy" in shown.headers


def test_signing_in_leads_to_the_page_that_was_asked_for(site):
    shown = site.stranger().sign_in(site.running.admin, to="/traces?status=failed")

    assert (shown.status, shown.headers["location"]) == (303, "/traces?status=failed")


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(site, to: str):
    assert site.stranger().sign_in(site.running.admin, to=to).headers["location"] == "/"


def test_a_wrong_key_is_told_and_not_repeated(site):
    shown = site.stranger().sign_in("rk-wrong-and-secret")

    assert shown.status == 401
    assert "The key is not known here." in shown.text
    assert "rk-wrong-and-secret" not in shown.html
    assert "<code>rowen keys create</code>" in shown.html


def test_a_key_that_may_only_call_opens_no_page(site):
    assert site.stranger().sign_in(site.running.key).status == 403


def test_the_sign_in_form_needs_its_own_token(site):
    shown = site.stranger().post("/sign-in", key=site.running.admin, csrf="forged")

    assert shown.status == 403


def test_a_link_signs_in_once(site):
    id = re.search(r'key=([^"]+)" dir="auto">admin<', site.reader().get("/keys").html)[1]
    link = site.running.opened.sessions.link(id).reveal()
    first, second = site.stranger(), site.stranger()

    entered = first.get(f"/sign-in?link={link}")
    again = second.get(f"/sign-in?link={link}")

    assert (entered.status, first.get("/traces").status) == (303, 200)
    assert again.status == 401
    assert "the link was used already" in again.text


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(site):
    reader = site.reader()
    copy = dict(reader.cookies)

    left = reader.post("/sign-out", csrf=reader.token())
    stolen = site.stranger()
    stolen.cookies = copy

    assert left.headers["location"] == "/sign-in"
    assert stolen.get("/traces").status == 303


def test_a_revoked_key_takes_its_session_with_it(site):
    reader = site.reader(site.running.new_key("leaver", scopes=("read",)))
    admin = site.reader()
    html = admin.get("/keys").html
    id = re.search(r'/keys/([^/"]+)/revoke" data-sure="Revoke “leaver”', html)[1]

    before = reader.get("/traces").status
    admin.post(f"/keys/{id}/revoke", csrf=admin.token())

    assert before == 200
    assert reader.get("/traces").status == 303


@pytest.mark.parametrize("path", ["/keys", "/keys/some/rotate", "/keys/some/revoke", "/sign-out"])
def test_no_form_is_taken_without_the_sessions_token(site, path: str):
    reader = site.reader()

    shown = reader.post(path, name="x", csrf="forged")

    assert shown.status == 403
    assert reader.get("/traces").status == 200


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/traces/nothing"])
def test_every_page_forbids_inline_script_and_style_and_has_none(site, path: str):
    shown = site.reader().get(path)

    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script>|javascript:", shown.html)
    assert shown.headers["cache-control"] == "no-store"


# Whose records


def test_a_reader_sees_only_its_own_tenants_records_on_every_page(site):
    mine = traced_in(site, "mine-co", "my own question", model="mine-model", user="mine-user")
    theirs = traced_in(
        site,
        "their-co",
        "their secret question",
        model="their-model",
        user="their-user",
        status="failed",
        code="upstream_cut",
    )
    reader = site.reader(site.running.new_key("mine", tenant="mine-co", scopes=("read",)))
    site.running.new_key("their-key", tenant="their-co")

    pages = [*PAGES, "/traces?text=question", "/traces?user=their-user", f"/traces/{theirs}", "/traces?status=failed"]
    shown = {path: reader.get(path) for path in pages}

    for path, page in shown.items():
        found = re.sub("user=their-user|their fallbacks", "", page.text)
        assert "their" not in found, path
    assert "my own question" in shown["/traces"].text
    assert "mine-model" in shown["/"].text
    assert shown[f"/traces/{theirs}"].status == 404
    assert reader.get(f"/traces/{mine}").status == 200


def test_a_reader_without_the_right_has_no_forms_and_cannot_send_them(site):
    reader = site.reader(site.running.new_key("only reads", scopes=("read",)))

    shown = reader.get("/keys")
    tried = reader.post("/keys", name="sneaky", csrf=reader.token(shown))

    assert "New key" not in shown.text
    assert "Revoke" not in shown.text
    assert tried.status == 403
    assert "sneaky" not in site.reader().get("/keys").text


def traced_in(site, tenant: str, asked: str, **fields) -> str:
    trace = site.trace(tenant=tenant, asked=asked, said=asked, **fields)
    site.write(trace)
    return trace.row.id


# The overview


def test_an_overview_of_nothing_says_how_to_begin(site):
    shown = site.reader().get("/")

    assert "No calls in the last 24h" in shown.text
    assert f"OPENAI_BASE_URL={site.running.url}/v1" in shown.text
    assert "$0" not in shown.text


def test_the_overview_tells_shares_with_intervals_and_medians_with_n(site):
    site.write(*(site.trace(i, status="failed" if i < 2 else "ok") for i in range(10)))

    text = site.reader().get("/").text

    assert "80.0 %" in text
    assert "49.0–94.3 %" in text  # Wilson's interval of 8 in 10
    assert "2 of 10 failed" in text
    assert "n 10" in text
    assert "UTC" in text


def test_refused_calls_count_neither_for_nor_against(site):
    site.write(*(site.trace(i, status="refused", code="limit_requests") for i in range(5)), site.trace(9))

    text = site.reader().get("/").text

    assert "0 of 1 failed" in text
    assert "5 refused" in text


def test_an_unknown_cost_is_never_told_as_nothing(site):
    site.write(site.trace(1, cost=None))

    shown = site.reader().get("/")
    tile = re.search(r"<h2>Cost</h2>.*?</div>", shown.html, re.DOTALL)[0]

    assert "unknown" in tile
    assert "1 call unpriced" in tile
    assert '"value">$' not in tile


def test_a_cost_known_in_part_is_told_as_at_least(site):
    site.write(site.trace(1, cost=None), site.trace(2, cost=Decimal("1.5")))

    assert "≥ $1.50" in site.reader().get("/").text


@pytest.mark.parametrize("range", ["1h", "24h", "7d", "30d"])
def test_every_stretch_of_time_holds_the_call_just_made_and_links_to_it(site, range: str):
    site.write(site.trace(1, asked="just now"))
    reader = site.reader()

    html = reader.get(f"/?range={range}").html
    links = re.findall(r'<td><a href="(/traces\?since_ns=\d+&(?:amp;)?until_ns=\d+)"', html)

    assert len(links) == 1
    assert "just now" in reader.get(links[0].replace("&amp;", "&")).text


def test_an_unknown_stretch_is_the_usual_one(site):
    assert 'href="?range=24h" aria-current="true"' in site.reader().get("/?range=9y").html


# The list of traces


def test_an_empty_list_says_so(site):
    assert "No traces yet" in site.reader().get("/traces").text


def test_a_filter_that_fits_nothing_can_be_cleared(site):
    site.write(site.trace(1))

    shown = site.reader().get("/traces?status=failed")

    assert "No trace fits" in shown.text
    assert '<a class="button" href="/traces">Clear</a>' in shown.html


@pytest.mark.parametrize(
    "query",
    [
        "status=failed",
        "code=upstream_cut",
        "model=odd",
        "source=cache",
        "slower_ms=1000",
        "dearer=0.5",
        "text=NEEDLE",
        "user=ines",
        "session=s1",
        "feature=chat",
    ],
)
def test_a_filter_in_the_address_lists_what_fits_and_is_filled_in(site, query: str):
    site.write(
        site.trace(1, asked="hay"),
        site.trace(2, asked="the needle", status="failed", code="upstream_cut", model="odd", source="cache", duration_ns=2_000_000_000, cost=Decimal(1), user="ines", session="s1", feature="chat"),
    )  # fmt: skip

    shown = site.reader().get(f"/traces?{query}")

    assert "the needle" in shown.text
    assert "hay" not in shown.text
    value = query.partition("=")[2]
    assert f'value="{value}"' in shown.html or f"<option selected>{value}</option>" in shown.html


def test_a_filter_that_cannot_be_read_names_its_field(site):
    reader = site.reader()

    for query in ("slower_ms=often", "dearer=much", "since_ns=yesterday", f"until_ns={'9' * 30}"):
        shown = reader.get(f"/traces?{query}")
        assert shown.status == 400, query
        assert query.partition("=")[0] in shown.text


def test_older_traces_are_a_page_away_and_filters_go_along(site):
    site.write(*(site.trace(i * 1000, asked=f"number {i:03d}") for i in range(1, 121)))
    reader = site.reader()
    seen: list[str] = []
    path = "/traces?model=main"

    while path:
        html = reader.get(path).html
        seen += re.findall(r'title="(number \d+)"', html)
        older = re.search(r'href="(/traces[^"]+)" rel="next"', html)
        path = older[1].replace("&amp;", "&") if older else ""
        assert not path or "model=main" in path

    assert seen == [f"number {i:03d}" for i in range(1, 121)]


def test_hostile_text_is_shown_as_text(site):
    site.write(site.trace(1, asked='<script>alert(1)</script>"><img src=x>', model="<b>", user="{{ 7 * 7 }}"))
    reader = site.reader()

    for path in ("/", "/traces", "/traces?text=<script>", reader_link(reader)):
        html = reader.get(quote(path, safe="/?=&")).html
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "<b>" not in html


def reader_link(reader) -> str:
    return re.search(r'href="(/traces/[0-9a-f]{32})"', reader.get("/traces").html)[1]


# One trace


def test_a_trace_shows_what_was_said_and_paid(site):
    trace = site.trace(
        1, asked="question?", said="answer.", cost=Decimal("0.0123"), waste=Decimal("0.004"), attempts=2, user="ines"
    )
    site.write(trace)

    shown = site.reader().get(f"/traces/{trace.row.id}")

    assert shown.status == 200
    for words in ("question?", "answer.", "$0.012", "$0.0040 of it wasted", "2 tries", "ines", "UTC"):
        assert words in shown.text, words


def test_a_trace_lists_what_models_were_asked_for_it_and_each_leads_back(site):
    trace = site.trace(1)
    inner = site.trace(2, door="internal", feature="retrieve", tags=("retrieve",), within=trace.row.id)
    site.write(trace, inner)

    shown, back = (site.reader().get(f"/traces/{each.row.id}") for each in (trace, inner))

    assert f'<a href="/traces/{inner.row.id}" dir="auto">retrieve</a>' in shown.html
    assert "Made for" not in shown.text
    assert f'<a class="mono" href="/traces/{trace.row.id}">' in back.html
    assert "Made for" in back.text


def test_a_trace_of_unknown_cost_says_unknown(site):
    trace = site.trace(1, cost=None)
    site.write(trace)

    text = site.reader().get(f"/traces/{trace.row.id}").text

    assert "unknown" in text
    assert "$0" not in text


def test_a_failed_trace_says_why(site):
    trace = site.trace(1, status="failed", code="upstream_timeout")
    site.write(trace)

    text = site.reader().get(f"/traces/{trace.row.id}").text

    assert "upstream_timeout It went wrong." in text
    assert "Asked last" in text
    assert "No answer" in text


def test_a_long_conversation_folds_its_beginning(site):
    talk = tuple(says("user" if i % 2 == 0 else "assistant", f"turn {i}") for i in range(20))
    trace = site.trace(1, messages=talk)
    site.write(trace)

    html = site.reader().get(f"/traces/{trace.row.id}").html

    assert "14 earlier turns" in html
    assert html.index("turn 13") < html.index("</details>", html.index("14 earlier turns")) < html.index("turn 14")


def test_a_tool_call_is_laid_out(site):
    trace = site.trace(1, messages=(says("user", "x"), site.tool))
    site.write(trace)

    html = site.reader().get(f"/traces/{trace.row.id}").html

    assert "tool call look" in html
    assert "{\n  &#34;day&#34;: 1\n}" in html


def test_spans_are_in_the_order_of_time_below_their_parents(site):
    trace = site.trace(1)
    at = trace.row.started_ns

    def span(id: str, parent: str, start: int, end: int) -> Span:
        return Span(trace=trace.row.id, id=id, parent=parent, name=f"s-{id}", started_ns=at + start, ended_ns=at + end)

    site.write(trace.but(spans=(span("c", "b", 20, 30), span("a", "", 0, 100), span("b", "a", 10, 40))))

    html = site.reader().get(f"/traces/{trace.row.id}").html

    assert re.findall(r'class="name d(\d)" title="s-(\w)"', html) == [("0", "a"), ("1", "b"), ("2", "c")]


def test_a_trace_without_content_says_that_none_was_kept(site):
    trace = site.trace(1).but(request=None, answer=None, spans=(), masked=True)
    site.write(trace)

    text = site.reader().get(f"/traces/{trace.row.id}").text

    assert "policy keeps content out of traces" in text
    assert "No spans were kept" in text


def test_a_trace_that_is_not_there_is_a_page_of_its_own(site):
    shown = site.reader().get("/traces/nothing")

    assert shown.status == 404
    assert "There is no such trace." in shown.text
    assert "not_found" in shown.text


# Models


def test_models_never_asked_say_so(site):
    shown = site.reader().get("/models")

    assert "main" in shown.text
    assert "not asked yet" in shown.text or "healthy" in shown.text
    assert "retires on 2099-01-31" in shown.text


def test_a_model_out_of_order_is_told_before_the_table(site):
    statuses = {site.ask("down") for _ in range(20)}

    text = site.reader().get("/models").text

    assert 200 not in statuses
    assert "1 of 2 deployments is out of order." in text
    assert "left alone" in text
    assert "upstream_connect" in text


# Keys


def test_a_new_key_is_shown_once_and_works(site):
    reader = site.reader()

    made = reader.post("/keys", csrf=reader.token(), name="bot", scope=["call", "read"], requests="20/min", days="30")
    secret = re.search(r"<pre>(rk-[^<]+)</pre>", made.html)[1]

    assert made.status == 200
    assert "20 requests a minute" in made.text
    assert secret not in reader.get("/keys").html
    assert site.stranger().sign_in(secret).status == 303


@pytest.mark.parametrize(
    ("name", "value"), [("requests", "often"), ("money", "a lot"), ("days", "soon"), ("days", "9" * 20)]
)
def test_a_wrong_field_is_marked_and_the_rest_stays_filled_in(site, name: str, value: str):
    reader = site.reader()

    shown = reader.post("/keys", csrf=reader.token(), name="half done", scope="call", **{name: value})

    assert shown.status == 400
    assert re.search(rf'name="{name}"[^>]*value="{value}" aria-invalid="true"', shown.html)
    assert 'value="half done"' in shown.html
    assert ">half done</a>" not in shown.html


def test_rotating_shows_the_successor(site):
    reader = site.reader()
    reader.post("/keys", csrf=reader.token(), name="old one", scope="call")
    id = re.search(r'/keys/([^/"]+)/rotate"><input[^>]+><button aria-label="Rotate old one"', reader.get("/keys").html)[
        1
    ]

    shown = reader.post(f"/keys/{id}/rotate", csrf=reader.token())

    assert shown.status == 200
    assert re.search(r"<pre>rk-[^<]+</pre>", shown.html)


def test_only_admins_may_make_keys_of_other_tenants(site):
    manager = site.reader(site.running.new_key("manager", tenant="mine-co", scopes=("read", "manage")))

    shown = manager.post("/keys", csrf=manager.token(), name="not mine to make", scope="call", tenant="default")

    assert shown.status in {403, 404}
    assert "not mine to make</a>" not in site.reader().get("/keys").html
