async def test_a_job_is_paused_and_goes_on(api):
    await api.jobs.resume("job-acme")

    paused = await api.ask("POST", "/api/jobs/job-acme/pause", "acme.manage")
    on = await api.ask("POST", "/api/jobs/job-acme/resume", "acme.manage")
    again = await api.ask("POST", "/api/jobs/job-acme/resume", "acme.manage")

    assert paused.json()["data"]["state"] == "paused"
    assert on.json()["data"].get("state", "queued") == "queued"
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")


async def test_a_cancelled_job_is_told_as_such(api):
    await api.ask("POST", "/api/jobs/job-acme/cancel", "acme.manage")

    found = (await api.ask("GET", "/api/jobs?state=cancelled", "acme.read")).json()["data"]

    assert [job["id"] for job in found] == ["job-acme"]


async def test_a_key_of_one_app_sees_only_its_jobs(api):
    await api.key("shop", scopes=("manage",), apps=("shop",))

    assert (await api.ask("GET", "/api/jobs", "shop")).json()["data"] == []
    for verb in ("", "/pause", "/cancel"):
        answer = await api.ask("POST" if verb else "GET", f"/api/jobs/job-acme{verb}", "shop")
        assert answer.status_code == 404
