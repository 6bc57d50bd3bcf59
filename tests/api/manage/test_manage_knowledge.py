ONE = "/api/knowledge/handbook/docs"


async def test_what_an_app_knows_is_told_with_its_sources_and_indexes(api):
    (found,) = (await api.ask("GET", "/api/knowledge", "acme.read")).json()["data"]

    assert (found["app"], found["name"], found["health"], found["documents"]) == ("handbook", "docs", "well", 2)
    assert found["sources"][0]["source"] == "docs/*.md"
    assert sorted(build["state"] for build in found["builds"]) == ["kept", "live"]


async def test_documents_that_the_key_s_groups_may_not_read_are_not_there(api):
    await api.key("people", scopes=("read",), groups=("people",))

    others = (await api.ask("GET", f"{ONE}/documents", "acme.read")).json()["data"]
    people = (await api.ask("GET", f"{ONE}/documents", "people")).json()["data"]
    hidden = await api.ask("GET", f"{ONE}/documents/acme-doc-1", "acme.read")
    shown = await api.ask("GET", f"{ONE}/documents/acme-doc-1", "people")

    assert [each["id"] for each in others] == ["acme-doc-0"]
    assert [each["id"] for each in people] == ["acme-doc-0", "acme-doc-1"]
    assert hidden.status_code == 404
    assert shown.json()["data"]["document"]["text"] == "Leave is 28 days."


async def test_a_document_comes_with_its_chunks_as_places(api):
    found = (await api.ask("GET", f"{ONE}/documents/acme-doc-0", "acme.read")).json()["data"]

    assert found["chunks"] == [{"start": 0, "end": 17}]
    assert found["chunker"] == "overlap(size=800, overlap=400)"


async def test_documents_come_page_by_page(api):
    first = (await api.ask("GET", f"{ONE}/documents?limit=1", "acme.admin")).json()
    second = (await api.ask("GET", f"{ONE}/documents?limit=1&after={first['next']}", "acme.admin")).json()

    assert [each["id"] for page in (first, second) for each in page["data"]] == ["acme-doc-0", "acme-doc-1"]


async def test_what_documents_say_of_a_thing_is_told_with_the_sentence_to_who_may_read_it(api):
    await api.key("people", scopes=("read",), groups=("people",))

    others = (await api.ask("GET", f"{ONE}/relations?of=LEAVE", "acme.read")).json()["data"]
    people = (await api.ask("GET", f"{ONE}/relations?of=28%20days", "people")).json()["data"]
    nothing = (await api.ask("GET", f"{ONE}/relations?of=nobody", "people")).json()["data"]

    assert [(each["document"], each["name"], each["text"]) for each in others] == [
        ("acme-doc-0", "length", "Leave is 28 days.")
    ]
    assert [each["document"] for each in people] == ["acme-doc-0", "acme-doc-1"]
    assert nothing == []


async def test_what_was_put_aside_is_told_with_its_reason(api):
    (found,) = (await api.ask("GET", f"{ONE}/quarantine", "acme.manage")).json()["data"]

    assert (found["uri"], found["code"]) == ("x.pdf", "document_encrypted")


async def test_what_was_put_aside_is_not_told_to_who_may_only_read(api):
    assert (await api.ask("GET", f"{ONE}/quarantine", "acme.read")).status_code == 403


async def test_another_index_answers_and_the_one_before_can_be_removed(api):
    build = api.ids["acme.build"]
    live = next(
        each for each in (await api.ask("GET", ONE, "acme.read")).json()["data"]["builds"] if each["state"] == "live"
    )

    refused = await api.ask("DELETE", f"{ONE}/builds/{live['id']}", "acme.manage")
    switched = await api.ask("POST", f"{ONE}/builds/{build}/switch", "acme.manage")
    dropped = await api.ask("DELETE", f"{ONE}/builds/{live['id']}", "acme.manage")

    assert refused.json()["error"]["code"] == "conflict"
    assert switched.json()["data"]["state"] == "live"
    assert dropped.status_code == 200
    assert len((await api.ask("GET", ONE, "acme.read")).json()["data"]["builds"]) == 1


async def test_a_look_at_the_sources_is_a_job_and_on_record(api):
    answer = await api.ask("POST", f"{ONE}/sync", "acme.manage", json={"removal": True})

    assert answer.json()["data"]["id"] == "job-acme"
    assert "knowledge.sync" in [
        entry["act"] for entry in (await api.ask("GET", "/api/audit", "acme.admin")).json()["data"]
    ]
