"""Over the borders of processes: headers, forks, pools, ends and kills."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap

import pytest

import rowen
from rowen.sdk.link import LINK

KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("ROWEN_", "OTEL_"))}


def python(code: str, url: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**KEPT, "ROWEN_URL": url, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_trace_goes_on_in_another_process(linked):
    with rowen.span("parent") as span:
        done = python(
            """
            import os, rowen
            with rowen.continued(os.environ), rowen.span("child"):
                pass
            """,
            linked.url,
            TRACEPARENT=rowen.headers()["traceparent"],
        )

    assert done.returncode == 0, done.stderr
    assert rowen.flush()
    parent, child = linked.span("parent"), linked.span("child")
    assert (child.trace, child.parent) == (parent.trace, parent.id)
    assert parent.id == span.span_id
    assert child.resource["process.pid"] != parent.resource["process.pid"]


FORK = """
    import os, rowen
    @rowen.trace
    def work(name): return name
    with rowen.span("before"): work("one")
    with rowen.span("around") as around:
        pid = os.fork()
        if pid == 0:
            work("child")
            rowen.current().end()       # the parent's to send
            assert rowen.flush(10)
            os._exit(0)
        work("parent")
        os.waitpid(pid, 0)
    """


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_sends_its_own_spans_once_and_with_its_own_ids(sink):
    done = python(FORK, sink.url)

    assert done.returncode == 0, done.stderr
    spans = sink.spans()
    assert sorted(span.name for span in spans) == ["around", "before", "work", "work", "work"]
    assert len({span.id for span in spans}) == 5
    around = sink.span("around")
    child, parent = sorted(
        (span for span in spans if span.parent == around.id), key=lambda span: span.attributes["output.value"]
    )
    assert child.resource["process.pid"] != parent.resource["process.pid"]
    assert child.trace == parent.trace == around.trace


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_while_the_lock_is_held_or_a_post_is_under_way_does_not_hang(sink):
    done = python(
        """
        import os, threading, rowen
        from rowen.sdk.link import LINK
        with rowen.span("first"): pass
        held, go = threading.Event(), threading.Event()
        def hold():
            with LINK.outbox._lock:
                held.set(); go.wait()
        thread = threading.Thread(target=hold); thread.start(); held.wait()
        pid = os.fork()
        if pid == 0:
            with rowen.span("child"): pass
            os._exit(0 if rowen.flush(10) else 3)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        go.set(); thread.join()
        raise SystemExit(code)
        """,
        sink.url,
    )

    assert done.returncode == 0, done.stderr
    assert sorted(span.name for span in sink.spans()) == ["child", "first"]


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_pools_of_processes_send_what_they_did(sink, tmp_path, way):
    if way not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {way} here")
    (tmp_path / "pooled.py").write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys, rowen

            @rowen.trace
            def work(given):
                number, headers = given
                with rowen.continued(headers), rowen.span("inner"):
                    return number * number

            if __name__ == "__main__":
                with rowen.span("root"):
                    context = multiprocessing.get_context(sys.argv[1])
                    with context.Pool(2) as pool:
                        assert pool.map(work, [(n, rowen.headers()) for n in range(4)]) == [0, 1, 4, 9]
                        pool.close()
                        pool.join()
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "pooled.py", way],
        cwd=tmp_path,
        env={**KEPT, "ROWEN_URL": sink.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    root = sink.span("root")
    assert [span.parent for span in sink.spans() if span.name == "inner"] == 4 * [root.id]
    assert len([span for span in sink.spans() if span.name == "work"]) == 4


def test_what_ended_just_before_the_end_is_sent(sink):
    done = python("import rowen\nfor n in range(1000):\n    with rowen.span(f's{n}'): pass\n", sink.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(sink.spans()) == 1000


@pytest.mark.parametrize("what", ["hangs", "refuses", "is not there"])
def test_a_program_ends_as_it_would_when_the_server(sink, what):
    if what == "hangs":
        sink.open.clear()
    sink.answers += [(503, {"Retry-After": "60"}, b"")] * 9 if what == "refuses" else []

    done = python(
        "import rowen\nwith rowen.span('x'): print('done')\nraise SystemExit(7)\n",
        "http://127.0.0.1:9" if what == "is not there" else sink.url,
    )

    assert done.returncode == 7
    assert done.stdout == "done\n"
    assert "Traceback" not in done.stderr


def test_a_server_that_is_killed_and_comes_back_gets_what_was_kept(sink):
    """The program goes on without it, and what was waiting is sent when it is there again."""
    server = textwrap.dedent(
        """
        import http.server, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
            def log_message(self, *args): pass
        class Server(http.server.ThreadingHTTPServer): allow_reuse_address = True
        found = Server(("127.0.0.1", int(sys.argv[1])), Handler)
        print(found.server_address[1], flush=True)
        found.serve_forever()
        """
    )

    def start(port: int) -> "tuple[subprocess.Popen[str], int]":
        process = subprocess.Popen([sys.executable, "-c", server, str(port)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    first, port = start(0)
    rowen.connect(f"http://127.0.0.1:{port}")
    try:
        with rowen.span("one"):
            pass
        assert rowen.flush(30)

        first.send_signal(signal.SIGKILL)
        first.wait()
        for _ in range(100):
            with rowen.span("meanwhile"):
                pass
        second, _ = start(port)
        assert rowen.flush(60)
        second.kill()
        second.wait()
        second.stdout.close()
        assert LINK.outbox is not None
        assert (LINK.outbox.sent, LINK.outbox.lost) == (101, 0)
    finally:
        rowen.disconnect()
        first.stdout.close()
