"""A few journeys through the pages in a real browser."""

from pathlib import Path

import pytest
from tests.web.window import browsing

from rowen.values import Score

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need `playwright`")

pytestmark = browsing

STYLES = Path(__file__).parents[2] / "src/rowen/web/static/rowen.css"


def test_the_page_that_is_shown_is_marked_in_the_one_group_that_stands_open(visiting, site):
    with visiting() as visitor:
        visitor.go("/releases")
        nav = visitor.page.get_by_role("navigation", name="Pages")

        assert nav.locator("details[open] summary").all_inner_texts() == ["Build"]
        assert nav.locator("[aria-current=page]").all_inner_texts() == ["Releases"]
        sync_api.expect(nav.get_by_role("link", name="Releases")).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_pages_lie_over_the_page_and_are_reached_by_keys_alone(visiting, site, axe):
    with visiting(wide=390, high=800) as visitor:
        page = visitor.page
        visitor.go("/keys")
        top = "document.querySelector('h1').getBoundingClientRect().top"
        keys, before, moved = page.get_by_role("link", name="Keys"), page.evaluate(top), visitor.moved()
        for key in ("Tab", "Tab", "Tab", "Enter"):
            page.keyboard.press(key)
        sync_api.expect(keys).to_be_in_viewport(ratio=1)
        after = page.evaluate(top)
        page.evaluate(axe)
        found = page.evaluate(
            "axe.run(document.querySelector('header')).then(told => told.violations.map(each => each.id))"
        )
        page.keyboard.press("Escape")
        sync_api.expect(keys).to_be_hidden()
        page.keyboard.press("Enter")
        page.get_by_role("navigation").get_by_text("Observe").click()
        page.get_by_role("link", name="Costs").click()
        page.wait_for_url("**/costs")

        assert (found, moved, after) == ([], 0, before)
        assert before < 120


@pytest.mark.parametrize("wide", [1024, 1220])
def test_in_a_window_of_middling_width_no_column_of_a_list_is_cut_off(visiting, site, wide):
    found = site.trace(10, status="failed", code="upstream_timeout")
    site.write(found)
    told = {"trace": found.row.id, "app": "shop", "name": "tone", "type": "category", "source": "person"}
    labels = [("friendly", 1.0), ("curt", 0.5), ("unfriendly", 0.0)] * 9
    site.running.do(
        site.running.opened.store.scores.put(
            Score(id=f"s{n}", value=label, number=number, judged_ns=found.row.started_ns, **told)
            for n, (label, number) in enumerate(labels)
        )
    )
    cut = "() => [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth).map(each => each.ariaLabel)"

    with visiting(wide=wide) as visitor:
        seen = {}
        for path in ("/traces", "/sessions", "/scores", "/costs", "/keys"):
            visitor.go(path)
            seen[path] = visitor.page.evaluate(cut)

    assert not any(seen.values()), seen


def test_keys_walk_the_list_open_a_trace_and_reach_the_search(visiting, busy):
    with visiting(motion="no-preference") as visitor:
        page = visitor.page
        visitor.go("/traces")
        for key in ("j", "j", "k", "j"):
            page.keyboard.press(key)
        second = page.locator("tr[data-row]").nth(1)
        marked = second.get_attribute("data-here")
        wanted = second.get_by_role("link").get_attribute("href")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{wanted}")
        page.go_back()
        page.keyboard.press("/")
        page.keyboard.type("jk/again")
        page.keyboard.press("Enter")
        page.wait_for_url("**/traces?q=jk%2Fagain")

        assert marked == ""
        assert page.get_by_text("No trace fits").is_visible()


def test_keys_lead_from_trace_to_trace_in_the_order_of_the_list(visiting, busy):
    with visiting() as visitor:
        page = visitor.page
        visitor.go("/traces?status=ok")
        links = [each.get_attribute("href") for each in page.locator("tr[data-row] td.when a").all()]
        page.locator("tr[data-row] td.when a").nth(1).click()
        page.wait_for_url(f"**{links[1]}")
        page.keyboard.press("j")
        page.wait_for_url(f"**{links[2]}")
        page.get_by_role("button", name="Newer").click()
        page.wait_for_url(f"**{links[1]}")
        page.keyboard.press("k")
        page.wait_for_url(f"**{links[0]}")

        assert page.get_by_role("button", name="Newer").count() == 0
        assert page.get_by_role("button", name="Older").is_visible()


def test_a_filter_is_set_shared_by_its_address_and_cleared(visiting, busy):
    with visiting() as visitor:
        page = visitor.page
        visitor.go("/traces")
        page.get_by_role("search").get_by_label("Status").select_option("failed")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url("**/traces?status=failed")
        listed = page.locator("tr[data-row]").count()
        page.get_by_role("link", name="Clear").click()
        page.wait_for_url("**/traces")

        assert listed == 1
        assert page.locator("tr[data-row]").count() == 8


def test_the_theme_is_the_systems_until_it_is_chosen_and_then_stays_from_page_to_page(visiting, busy):
    with visiting() as visitor:
        ground = "getComputedStyle(document.body).backgroundColor"
        visitor.go("/")
        light = visitor.page.evaluate(ground)
        visitor.page.emulate_media(color_scheme="dark")
        night = visitor.page.evaluate(ground)
        visitor.page.emulate_media(color_scheme="light")
        visitor.page.get_by_role("button", name="Light / dark").click()
        dark = visitor.page.evaluate(ground)
        visitor.go("/keys")

        assert night == dark != light
        assert visitor.page.evaluate(ground) == dark
        # One switch turns all colours, so that to look at a page under it is to look at the page by night.
        assert "prefers-color-scheme" not in STYLES.read_text(encoding="utf-8")


def test_a_new_key_is_copied_and_revoked_after_a_question(visiting, site):
    with visiting() as visitor:
        page = visitor.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visitor.go("/keys")
        page.get_by_label("Name").fill("short-lived")
        page.get_by_role("button", name="Create the key").click()
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        shown = page.locator(".made pre").inner_text()
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Revoke short-lived").click()
        kept = page.get_by_role("button", name="Revoke short-lived").count()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Revoke short-lived").click()
        page.get_by_role("button", name="Revoke short-lived").wait_for(state="detached")

        assert copied == shown
        assert copied.startswith("rk-")
        assert kept == 1


def test_everything_works_without_scripts(visiting, busy):
    with visiting("nobody", java_script_enabled=False) as visitor:
        page = visitor.page
        visitor.go("/sign-in")
        visitor.sign_in(busy.running.admin)
        assert page.get_by_role("button", name="Light / dark").is_hidden()
        visitor.go("/traces")
        page.get_by_role("search").get_by_label("Status").select_option("failed")
        page.get_by_role("button", name="Filter").click()
        page.locator("tr[data-row] a").first.click()
        page.locator("summary.span").first.click()
        assert page.get_by_text("It went wrong.").last.is_visible()
        page.get_by_role("navigation", name="Pages").get_by_text("Manage").click()
        page.get_by_role("link", name="Keys").click()
        page.get_by_label("Name").fill("no script")
        page.get_by_role("button", name="Create the key").click()
        assert page.get_by_text("shown this once").is_visible()
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_role("button", name="Sign in").is_visible()


def test_the_first_tab_leads_past_the_navigation(visiting, site):
    with visiting() as visitor:
        page = visitor.page
        visitor.go("/")
        page.keyboard.press("Tab")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        inside = page.evaluate("document.querySelector('main').contains(document.activeElement)")

        assert first == "Skip to content"
        assert inside
