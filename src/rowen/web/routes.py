"""Every page and its address."""

from pathlib import Path

from starlette.routing import Mount, Route

from rowen.web import (
    alerts,
    canaries,
    choices,
    costs,
    datasets,
    errors,
    incidents,
    jobs,
    keys,
    knowledge,
    playground,
    prompts,
    releases,
    review,
    rollouts,
    rules,
    runs,
    sign,
    views,
)
from rowen.web.compare import compare
from rowen.web.comparison import comparison
from rowen.web.files import Files
from rowen.web.listing import traces
from rowen.web.models import models
from rowen.web.night import night
from rowen.web.objectives import objective, objectives
from rowen.web.overview import overview
from rowen.web.page import Services, nowhere, page
from rowen.web.robust import robust
from rowen.web.scores import score, scores
from rowen.web.sessions import session, sessions, users
from rowen.web.status import status
from rowen.web.tables import tables
from rowen.web.tail import tail
from rowen.web.traces import trace


def routes(services: Services) -> list[Route | Mount]:
    """Return the routes of all pages. All but the sign-in need a session."""
    return [
        Route("/", page(overview, services)),
        Route("/traces", page(traces, services)),
        Route("/runs", page(runs.runs, services), methods=["GET"]),
        Route("/runs", page(runs.start, services), methods=["POST"]),
        Route("/runs/compare", page(comparison, services)),
        Route("/runs/{id}", page(runs.run, services), methods=["GET"]),
        Route("/runs/{id}/robust", page(robust, services)),
        Route("/runs/{id}/{what}", page(runs.change, services), methods=["POST"]),
        Route("/datasets", page(datasets.datasets, services), methods=["GET"]),
        Route("/datasets", page(datasets.add, services), methods=["POST"]),
        Route("/datasets/{name}", page(datasets.dataset, services), methods=["GET"]),
        Route("/datasets/{name}/freeze", page(datasets.freeze, services), methods=["POST"]),
        Route("/choices", page(choices.choices, services)),
        Route("/choices/{id}", page(choices.choice, services), methods=["GET"]),
        Route("/choices/{id}", page(choices.decide, services), methods=["POST"]),
        Route("/traces/tail", tail(services)),
        Route("/traces/compare", page(compare, services)),
        Route("/traces/views", page(views.create, services), methods=["POST"]),
        Route("/traces/views/{id}", page(views.change, services), methods=["POST"]),
        Route("/traces/views/{id}/delete", page(views.delete, services), methods=["POST"]),
        Route("/traces/views/{id}/default", page(views.choose, services), methods=["POST"]),
        Route("/traces/{id}", page(trace, services)),
        Route("/traces/{id}/judge", page(review.judge, services), methods=["POST"]),
        Route("/sessions", page(sessions, services)),
        Route("/sessions/{session:path}", page(session, services)),
        Route("/users", page(users, services)),
        Route("/releases/{app}/rollouts", page(rollouts.rollouts, services)),
        Route("/releases/{app}/rollouts/{id}", page(rollouts.rollout, services), methods=["GET"]),
        Route("/releases/{app}/rollouts/{id}/{what}", page(rollouts.change, services), methods=["POST"]),
        Route("/releases", page(releases.releases, services)),
        Route("/releases/{app}/diff", page(releases.difference, services)),
        Route("/releases/{app}/act/{what}", page(releases.change_app, services), methods=["POST"]),
        Route("/releases/{app}/{version}", page(releases.version, services)),
        Route("/releases/{app}/{version}/{what}", page(releases.change_version, services), methods=["POST"]),
        Route("/review", page(review.queues, services), methods=["GET"]),
        Route("/review", page(review.create, services), methods=["POST"]),
        Route("/review/{id}", page(review.rate, services)),
        Route("/review/{id}/items", page(review.items, services)),
        Route("/review/{id}/fill", page(review.fill, services), methods=["POST"]),
        Route("/review/{id}/{item}", page(review.submit, services), methods=["POST"]),
        Route("/review/{id}/{item}/decide", page(review.decide, services), methods=["POST"]),
        Route("/scores", page(scores, services)),
        Route("/scores/{name:path}", page(score, services)),
        Route("/objectives", page(objectives, services)),
        Route("/objectives/{name:path}", page(objective, services)),
        Route("/errors", page(errors.errors, services)),
        Route("/errors/{id}", page(errors.error, services), methods=["GET"]),
        Route("/errors/{id}", page(errors.change, services), methods=["POST"]),
        Route("/costs", page(costs.costs, services)),
        Route("/costs/focus.csv", page(costs.export, services)),
        Route("/costs/budgets", page(costs.create_budget, services), methods=["POST"]),
        Route("/costs/budgets/{id}/delete", page(costs.delete_budget, services), methods=["POST"]),
        Route("/night", page(night, services)),
        Route("/status", page(status, services)),
        Route("/alerts", page(alerts.alerts, services), methods=["GET"]),
        Route("/alerts/silences", page(alerts.silence, services), methods=["POST"]),
        Route("/alerts/silences/{id}/end", page(alerts.end_silence, services), methods=["POST"]),
        Route("/alerts/{id}/acknowledge", page(alerts.acknowledge, services), methods=["POST"]),
        Route("/canaries", page(canaries.canaries, services)),
        Route("/canaries/{id:path}", page(canaries.canary, services)),
        Route("/incidents", page(incidents.incidents, services), methods=["GET"]),
        Route("/incidents", page(incidents.open_incident, services), methods=["POST"]),
        Route("/incidents/{id}", page(incidents.incident, services), methods=["GET"]),
        Route("/incidents/{id}/{what}", page(incidents.change, services), methods=["POST"]),
        Route("/rules", page(rules.rules, services)),
        Route("/rules/{name}", page(rules.rule, services), methods=["GET"]),
        Route("/rules/{name}", page(rules.judge, services), methods=["POST"]),
        Route("/rules/{name}/{what}", page(rules.pause, services), methods=["POST"]),
        Route("/models", page(models, services)),
        Route("/prompts", page(prompts.prompts, services)),
        Route("/prompts/{name:path}", page(prompts.prompt, services), methods=["GET"]),
        Route("/prompts/{name:path}", page(prompts.label, services), methods=["POST"]),
        Route("/playground", page(playground.playground, services), methods=["GET"]),
        Route("/playground", page(playground.run, services), methods=["POST"]),
        Route("/playground/candidate", page(playground.keep, services), methods=["POST"]),
        Route("/knowledge", page(knowledge.knowledge, services)),
        Route("/knowledge/{app}/{name}", page(knowledge.collection, services)),
        Route("/knowledge/{app}/{name}/do/{what}", page(knowledge.act, services), methods=["POST"]),
        Route("/knowledge/{app}/{name}/tables", page(tables, services)),
        Route("/knowledge/{app}/{name}/{id}", page(knowledge.document, services), methods=["GET"]),
        Route("/knowledge/{app}/{name}/{id}", page(knowledge.judge, services), methods=["POST"]),
        Route("/jobs", page(jobs.jobs, services), methods=["GET"]),
        Route("/jobs/{id}/{what}", page(jobs.change, services), methods=["POST"]),
        Route("/keys", page(keys.keys, services), methods=["GET"]),
        Route("/keys", page(keys.create, services), methods=["POST"]),
        Route("/keys/{id}/rotate", page(keys.rotate, services), methods=["POST"]),
        Route("/keys/{id}/revoke", page(keys.revoke, services), methods=["POST"]),
        Route("/sign-in", sign.sign_in(services), methods=["GET", "POST"]),
        Route("/sign-out", page(sign.sign_out, services), methods=["POST"]),
        Mount("/static", Files(directory=Path(__file__).parent / "static")),
        Route("/{rest:path}", nowhere(services)),
    ]
