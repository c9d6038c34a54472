"""What closes a task's workspace off, seen from outside: configuration, errors, doctor."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, ROOT, Mesh, run, until, wait_linked  # noqa: E402

LIMITS = "{memory: 64MiB, disk: 16MiB, processes: 24, time: 10m, cpu: 0.5, files: 32}"


def sandboxed():
    """Whether this machine has what tests of reading and writing need."""
    checks = json.loads(run("doctor", "--json", "--data", "/nonexistent/mcpz").stdout)["checks"]
    return all(c["state"] == "ok" for c in checks if c["name"] in ("Landlock", "seccomp"))


class Workspaces(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def offer(self, *providers, flags=()):
        node = self.mesh.node("A")
        node.data.mkdir(parents=True)
        lines = "\n".join(f"  - {{name: {name}, {rest}}}" for name, rest in providers)
        (node.data / "mcpz.yaml").write_text(f"providers:\n{lines}\n" if lines else "# none\n")
        return node.start(*flags)

    def task(self, node, kind, script):
        done = node.run("task", "run", kind, "--input", "-", "--timeout", f"{PATIENCE_S:.0f}s", "--json", stdin=script)
        return done.returncode, json.loads(done.stdout)

    def test_each_limit_ends_a_task_with_its_name_and_how_to_raise_it(self):
        node = self.offer(("sh", f"command: 'sh -s', limits: {LIMITS}"))
        for script, key in (("yes | tr -d '\\n' | sort -S 8G", "limits.memory"),
                            ("cat /dev/zero >big", "limits.disk"),
                            ("i=0; while [ $i -lt 60 ]; do sleep 100 & i=$((i+1)); done; wait",
                             "limits.processes")):
            code, answer = self.task(node, "sh", script)
            self.assertEqual((code, answer["error"]["code"]), (1, "limit"), answer)
            self.assertIn(f"raise {key} of the provider sh", answer["error"]["message"])
        until("no workspace is left", lambda: not list((node.data / "tasks").iterdir()))

    def test_a_task_reads_neither_the_nodes_keys_nor_its_socket(self):
        if not sandboxed():
            self.skipTest("this machine has no Landlock or seccomp")
        node = self.offer(("sh", "command: 'sh -s'"))
        code, answer = self.task(node, "sh", "cat ../../*.key ../../mcpz.yaml 2>/dev/null; "
                                             "ls ../.. 2>/dev/null; echo x >../../x; echo done")
        self.assertEqual((code, answer["result"]), (0, "done\n"))
        self.assertFalse((node.data / "x").exists())
        script = ("import socket\ns = socket.socket(socket.AF_UNIX)\n"
                  f"s.connect({str(node.data / 'mcpz.sock')!r})\nprint('inside')\n")
        code, answer = self.task(node, "sh", f"python3 - <<'EOF'\n{script}EOF\n")
        self.assertNotIn("inside", str(answer.get("result")))

    def test_isolation_can_be_switched_off(self):
        path = pathlib.Path(self.mesh.directory) / "outside"
        node = self.offer(("loose", "command: 'sh -s', isolation: none"),
                          ("tight", "command: 'sh -s'"))
        self.assertEqual(self.task(node, "loose", f"echo x >{path}")[0], 0)
        self.assertTrue(path.exists())
        offered = {c["name"]: c["providers"][0]["isolation"] for c in node.ask("capabilities")}
        self.assertEqual(offered["loose"], "none")
        self.assertIn(offered["tight"], ("degraded", "strict"))

    def test_a_caller_elsewhere_sees_and_chooses_how_isolated_it_is(self):
        a = self.mesh.founder("A", "--provide", "sh=sh -s", "--isolation", "none")
        b = self.mesh.joiner(a, "B", "--provide", "sh=sh -s", "--isolation", "degraded")
        c = self.mesh.joiner(a, "C")
        wait_linked([a, b, c])
        rows = until("C knows of both", lambda: next(
            (row["providers"] for row in c.ask("capabilities") if len(row["providers"]) == 2), None))
        seen = {row["name"]: row["isolation"] for row in rows}
        self.assertEqual(seen["A"], "none")
        self.assertIn(seen["B"], ("degraded", "strict"))
        shown = c.run("capabilities").stdout
        self.assertTrue("A (none)" in shown and f"B ({seen['B']})" in shown, shown)
        for _ in range(5):
            done = c.ask("task", "run", "sh", "--isolation", "degraded", "--input", "-",
                         stdin="echo done\n")
            self.assertEqual((done["result"], done["provider"]), ("done\n", b.id))
        said = c.run("task", "run", "sh", "--isolation", seen["B"], "--input", "-",
                     stdin="echo done\n")
        self.assertEqual((said.returncode, said.stdout), (0, "done\n"))
        b.kill()
        until("C knows that B is gone", lambda: "B" not in c.peers() or
              c.peers()["B"]["state"] != "alive")
        done = c.run("task", "run", "sh", "--isolation", "degraded", "--input", "-", stdin="true\n")
        self.assertEqual(done.returncode, 6)
        self.assertIn("as isolated as it is wanted", done.stderr)
        self.assertEqual(c.run("task", "run", "sh", "--isolation", "total").returncode, 2)

    def test_a_flag_says_it_for_all(self):
        node = self.offer(flags=("--provide", "sh=sh -s", "--isolation", "none"))
        self.assertEqual(node.ask("capabilities")[0]["providers"][0]["isolation"], "none")

    def test_strict_is_refused_where_it_cannot_be_kept(self):
        checks = json.loads(run("doctor", "--json", "--data", "/nonexistent/mcpz").stdout)["checks"]
        if next(c for c in checks if c["name"] == "isolation")["state"] == "ok":
            self.skipTest("this machine can keep strict isolation")
        done = run("up", "--data", pathlib.Path(self.mesh.directory) / "S", "--listen",
                   "127.0.0.1:0", "--provide", "cat=cat", "--isolation", "strict")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot provide cat with isolation strict: this machine lacks", done.stderr)

    def test_mistakes_in_a_provider_are_named_with_their_line(self):
        path = pathlib.Path(self.mesh.directory) / "bad.yaml"
        for text, wanted in (
                ("  - {name: a, command: b}\n  - {name: c, command: d, limits: {memory: 1KB}}\n",
                 ":3: providers.limits.memory: \"1KB\" must be from 1MiB"),
                ("  - {name: a, command: b, isolation: some}\n",
                 ":2: providers.isolation: \"some\" must be strict, degraded or none"),
                ("  - {name: a, command: b, read: [words]}\n",
                 ":2: providers.read: \"words\" must be an absolute path"),
                ("  - {name: a, command: b, limits: {cpus: 2}}\n",
                 ":2: unknown key \"cpus\" in providers.limits: did you mean \"cpu\"?")):
            path.write_text("providers:\n" + text)
            done = run("config", "check", "--config", path)
            self.assertEqual(done.returncode, 3)
            self.assertIn(wanted, done.stderr)

    def test_a_reload_takes_new_limits(self):
        node = self.offer(("sh", "command: 'sh -s; ulimit -n', limits: {files: 32}"))
        self.assertEqual(self.task(node, "sh", "")[1]["result"], 32)
        path = node.data / "mcpz.yaml"
        path.write_text(path.read_text().replace("files: 32", "files: 48"))
        os.kill(node.process.pid, 1)
        until("the new limit is there", lambda: self.task(node, "sh", "")[1]["result"] == 48)


class Workers(unittest.TestCase):
    SHOUT = ROOT / "examples" / "shout.py"

    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def employ(self, rest=""):
        node = self.mesh.node("A")
        node.data.mkdir(parents=True)
        (node.data / "mcpz.yaml").write_text(
            "providers:\n"
            f"  - {{name: shout, command: {self.SHOUT}, mode: worker, plugins: [exclaim]{rest}}}\n")
        return node.start()

    def shout(self, node, params):
        done = node.run("task", "run", "shout", "--params", json.dumps(params), "--json")
        return done.returncode, json.loads(done.stdout)

    def test_one_process_does_many_tasks(self):
        node = self.employ()
        for word in ("one", "two", "three"):
            code, answer = self.shout(node, {"text": word})
            self.assertEqual((code, answer["result"]), (0, word.upper() + "!"), answer)
        code, answer = self.shout(node, {"word": "x"})
        self.assertEqual((code, answer["error"]["message"]), (1, "KeyError: 'text'"))
        self.assertEqual(len(list((node.data / "tasks").iterdir())), 1)

    def test_a_task_from_another_node_is_told_to_the_worker(self):
        node = self.employ(", workers: 2, concurrency: 4")
        other = self.mesh.joiner(node, "B")
        until("B knows it", lambda: other.ask("capabilities"))
        code, answer = self.shout(other, {"text": "far"})
        self.assertEqual((code, answer["result"]), (0, "FAR!"), answer)

    def test_workers_end_with_their_node(self):
        node = self.employ()
        self.shout(node, {"text": "one"})
        node.kill()
        until("no workspace is left", lambda: not list((node.data / "tasks").iterdir()))


class Pools(unittest.TestCase):
    SHOUT = ROOT / "examples" / "shout.py"

    def setUp(self):
        self.mesh = self.enterContext(Mesh())
        self.node = self.mesh.founder("A")

    def pool(self, *arguments):
        # Options first: behind "--" all is the command.
        done = run("pool", arguments[0], "--data", self.node.data, "--json", *arguments[1:])
        return done.returncode, json.loads(done.stdout)

    def execute(self, lease, params):
        return self.pool("execute", lease, "text.shout", "--params", json.dumps(params))

    def test_from_making_to_removing(self):
        code, _ = self.pool("create", "shouts", "--size", "2", "--plugin", "exclaim", "--warm", "--",
                            str(self.SHOUT))
        self.assertEqual(code, 0)
        self.assertEqual(self.pool("create", "shouts", "--", "cat")[0], 8)
        row = until("both are ready", lambda: next(
            (r for r in self.pool("list")[1] if r["ready"] == 2), None))
        self.assertEqual((row["name"], row["size"], row["plugins"]), ("shouts", 2, ["exclaim"]))

        code, lease = self.pool("lease", "shouts", "--ttl", "10m")
        self.assertEqual(code, 0)
        code, answer = self.execute(lease["lease"], {"text": "hello"})
        self.assertEqual((code, answer["state"], answer["result"]), (0, "done", "HELLO!"))
        code, answer = self.execute(lease["lease"], {})
        self.assertEqual((code, answer["error"]["code"]), (1, "provider_failed"))
        self.assertEqual(self.pool("renew", lease["lease"], "--ttl", "5m")[0], 0)
        self.assertEqual(self.pool("list")[1][0]["leased"], 1)

        self.assertEqual(self.pool("lease", "shouts")[0], 0)
        self.assertEqual(self.pool("lease", "shouts")[1]["error"]["code"], "busy")
        self.assertEqual(self.pool("release", lease["lease"])[0], 0)
        self.assertEqual(self.execute(lease["lease"], {})[0], 6)
        self.assertEqual(self.pool("remove", "shouts")[0], 0)
        self.assertEqual(self.pool("list")[1], [])
        until("no workspace is left", lambda: not list((self.node.data / "tasks").iterdir()))

    def test_a_lease_that_is_not_renewed_ends(self):
        self.pool("create", "shouts", "--", str(self.SHOUT))
        lease = self.pool("lease", "shouts", "--ttl", "1s")[1]["lease"]
        until("it has ended", lambda: self.pool("renew", lease, "--ttl", "1s")[0] == 6
              if self.pool("list")[1][0]["leased"] == 0 else False)
        self.assertEqual(until("another can be had", lambda: (
            lambda code: code == 0)(self.pool("lease", "shouts")[0])), True)

    def test_words_that_make_no_pool(self):
        for arguments in (("two words", "--", "cat"), ("p", "--size", "0", "--", "cat"),
                          ("p", "--isolation", "some", "--", "cat"), ("p",)):
            done = run("pool", "create", "--data", self.node.data, *arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
        self.assertEqual(self.pool("list")[1], [])

    def test_those_of_the_file_are_there_at_the_start(self):
        node = self.mesh.node("B")
        node.data.mkdir(parents=True)
        (node.data / "mcpz.yaml").write_text(
            f"pools:\n  - {{name: shouts, command: {self.SHOUT}, size: 3, plugins: [exclaim]}}\n")
        node.start()
        until("all are ready", lambda: node.ask("pool", "list")[0]["ready"] == 3)


class Doctor(unittest.TestCase):
    def test_works_without_a_node_and_names_what_it_looked_at(self):
        with Mesh() as mesh:
            done = run("doctor", "--json", "--data", pathlib.Path(mesh.directory) / "none",
                       env={"MCP_MESH_PORT": "0"})
            said = json.loads(done.stdout)
            self.assertEqual(done.returncode, 0 if said["ok"] else 1)
            names = [check["name"] for check in said["checks"]]
            for name in ("open files", "clock", "configuration", "data", "disk", "port",
                         "Landlock", "seccomp", "namespaces", "cgroup v2", "isolation", "node"):
                self.assertIn(name, names)
            for check in said["checks"]:
                self.assertIn(check["state"], ("ok", "warn", "fail"))
                self.assertEqual(check["advice"] is None, check["state"] == "ok", check)

    def test_fails_on_a_port_in_use_unless_it_is_this_nodes(self):
        with Mesh() as mesh:
            node = mesh.founder("A", listen="127.0.0.1:0")  # where it is looked for by itself
            there = ("--json", "--data", node.data)
            env = {"MCP_MESH_PORT": node.address.rsplit(":", 1)[1].rstrip("/")}
            done = run("doctor", *there, env=env)
            checks = {c["name"]: c for c in json.loads(done.stdout)["checks"]}
            self.assertEqual(checks["port"]["state"], "ok", checks["port"])
            self.assertIn("alive in its mesh", checks["node"]["text"])
            done = run("doctor", "--json", "--data", pathlib.Path(mesh.directory) / "B", env=env)
            checks = {c["name"]: c for c in json.loads(done.stdout)["checks"]}
            self.assertEqual((done.returncode, checks["port"]["state"]), (1, "fail"))

    def test_fails_on_a_bad_configuration(self):
        with Mesh() as mesh:
            path = pathlib.Path(mesh.directory) / "bad.yaml"
            path.write_text("regoin: home\n")
            done = run("doctor", "--config", path, "--data", mesh.directory)
            self.assertEqual(done.returncode, 1)
            self.assertIn("did you mean \"region\"?", done.stdout)


if __name__ == "__main__":
    unittest.main()
