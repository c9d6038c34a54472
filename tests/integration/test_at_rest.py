"""What lies on a node's disk: nothing that anybody wrote can be read there, and shredded keys take all with them."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, run, until, wait_linked  # noqa: E402

MARK = "zqMARKqz"
SOFT_MODULE = "/usr/lib/softhsm/libsofthsm2.so"


def marked(data):
    """Files below `data` in which the mark stands, and how much was looked at."""
    found, seen = [], 0
    for root, _, names in os.walk(data):
        for name in names:
            path = pathlib.Path(root) / name
            if path.is_file():
                content = path.read_bytes()
                seen += len(content)
                if MARK.encode() in content or MARK.encode("utf-16-le") in content:
                    found.append(path.relative_to(data))
    return found, seen


class AtRest(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(Mesh())

    def write_everything(self, node):
        """The mark through every verb that has something kept."""
        agent = f"agent-{MARK}"
        ask = node.ask
        ask("agent", "create", agent)
        ask("agent", "set", agent, f"field-{MARK}", json.dumps(f"value {MARK}"))
        ask("agent", "set", agent, f"{'long' * 20}{MARK}.inner-{MARK}", json.dumps({"a": MARK}))
        ask("agent", "add", agent, f"tags-{MARK}", json.dumps(MARK))
        ask("agent", "increment", agent, f"count-{MARK}", "3")
        for i in range(40):  # pages that are freed keep what was in them
            ask("agent", "set", agent, f"field-{MARK}", json.dumps(f"{i} {MARK} " * 20))
        ask("agent", "unset", agent, f"tags-{MARK}")
        other = f"gone-{MARK}"
        ask("agent", "create", other)
        ask("agent", "set", other, "x", json.dumps(MARK))
        ask("agent", "delete", other)
        path = pathlib.Path(self.mesh.directory) / "file"
        path.write_text(f"blob {MARK} " * 1000)
        task = ask("task", "submit", "echo", "--params", json.dumps({"p": MARK}), "--idempotency-key",
                   f"key-{MARK}", "--tenant", "acme", "--input", path)
        ask("task", "submit", f"nobody-{MARK}", "--params", json.dumps({"p": MARK}))
        until("it is done", lambda: ask("task", "status", task["id"])["state"] == "done")
        ask("blob", "put", path)

    def start(self, name="A"):
        return self.mesh.founder(name, "--provide", "echo=cat")

    def test_nothing_that_was_written_can_be_read_on_the_disk(self):
        node = self.start()
        self.write_everything(node)
        self.assertEqual(node.ask("agent", "get", f"agent-{MARK}")["state"][f"count-{MARK}"], 3)
        node.stop()
        found, seen = marked(node.data)
        self.assertEqual(found, [])
        self.assertGreater(seen, 100_000)
        node.start()
        state = node.ask("agent", "get", f"agent-{MARK}")["state"]
        self.assertEqual(state[f"field-{MARK}"], f"39 {MARK} " * 20)
        self.assertNotIn(f"tags-{MARK}", state)
        node.kill()
        self.assertEqual(marked(node.data)[0], [])

    def test_the_other_node_seals_what_it_is_sent(self):
        a = self.start()
        b = self.mesh.joiner(a, "B")
        wait_linked([a, b])
        a.ask("agent", "create", f"x-{MARK}")
        a.ask("agent", "set", f"x-{MARK}", "k", json.dumps(MARK))
        until("B has it", lambda: b.run("agent", "get", f"x-{MARK}").returncode == 0)
        for node in (a, b):
            node.stop()
            self.assertEqual(marked(node.data)[0], [])

    def test_without_its_keys_a_node_does_not_start(self):
        node = self.start()
        node.ask("agent", "create", "x")
        node.stop()
        shutil.move(node.data / "keys", node.data / "kept")
        done = run("up", "--data", node.data, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn('"keys"', done.stderr)
        shutil.rmtree(node.data / "keys")
        shutil.move(node.data / "kept", node.data / "keys")
        node.start()
        self.assertEqual(node.ask("agent", "get", "x")["state"], {})

    def token(self):
        """A token in software, in the mesh's directory; what a node is told of it."""
        here = pathlib.Path(self.mesh.directory)
        (here / "tokens").mkdir()
        conf = here / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {here / 'tokens'}\nobjectstore.backend = file\n")
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "attic", "--pin", "271828",
                        "--so-pin", "31415926"], env={**os.environ, "SOFTHSM2_CONF": str(conf)},
                       check=True, capture_output=True)
        (here / "pin").write_text("271828\n")
        return {"SOFTHSM2_CONF": str(conf), "MCPZ_KEYS_SOURCE": "pkcs11", "MCPZ_KEYS_MODULE": SOFT_MODULE,
                "MCPZ_KEYS_TOKEN": "attic", "MCPZ_KEYS_PIN": f"file:{here / 'pin'}"}

    @unittest.skipUnless(os.path.exists(SOFT_MODULE), "needs softhsm2")
    def test_a_token_keeps_the_node_key(self):
        env = self.token()
        node = self.mesh.founder("A", env=env)
        node.ask("agent", "create", f"x-{MARK}")
        node.ask("agent", "set", f"x-{MARK}", "k", json.dumps(MARK))
        keys = node.ask("key", "list")
        self.assertEqual((keys["source"], keys["token"]["label"], keys["token"]["object"]), ("pkcs11", "attic", "mcpz"))
        said = node.run("key", "list").stdout
        self.assertIn('pkcs11: key "mcpz" in token "attic", serial ', said)
        self.assertNotIn("271828", said + json.dumps(keys))
        node.ask("key", "rotate")  # the token is not asked for that
        self.assertTrue(node.ask("store", "check")["well"])

        def names():
            return sorted(path.name for path in (node.data / "keys").iterdir())

        def start(**more):
            node.start(env={**env, **more})
            self.assertEqual(node.ask("agent", "get", f"x-{MARK}")["state"], {"k": MARK})
            node.stop()
        node.stop()
        self.assertEqual(marked(node.data)[0], [])
        self.assertEqual(names(), ["node.key.token", "ring"])
        wrong = {**env, "MCPZ_KEYS_PIN": "env:PIN", "PIN": "000000"}
        done = node.run("up", "--listen", "127.0.0.1:0", env=wrong)
        self.assertEqual(done.returncode, 7)
        self.assertIn("the PIN is wrong", done.stderr)
        for change, status, words in (({"MCPZ_KEYS_TOKEN": "cellar"}, 6, "plug it in"),
                                      ({"MCPZ_KEYS_MODULE": "/none.so"}, 3, "/none.so"),
                                      ({"MCPZ_KEYS_SOURCE": "file"}, 6, "keys.source: pkcs11"),
                                      ({"MCPZ_NODE_KEY": "00" * 32}, 3, "keys.source")):
            done = node.run("up", "--listen", "127.0.0.1:0", env={**env, **change})
            self.assertEqual((done.returncode, words in done.stderr), (status, True), done.stderr)
        rows = {row["name"]: row for row in json.loads(node.run("doctor", "--json", env=env).stdout)["checks"]}
        self.assertIn('"attic"', rows["node key"]["text"])
        self.assertEqual(rows["node key"]["state"], "ok")
        start()

        # A backup holds it as it was wrapped: the token opens it.
        backup = pathlib.Path(self.mesh.directory) / "node.mcpzbackup"
        node.ask("backup", "create", backup, env=env)
        done = node.run("backup", "verify", backup, env=env)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = node.run("backup", "verify", backup, env=wrong)
        self.assertIn("only the shapes of records", done.stderr)

        node.ask("key", "rewrap", "--destroy-old", env=env)
        start()
        self.assertEqual(node.ask("key", "move", "--to", "file", env=env)["source"], "file")
        self.assertEqual(names(), ["node.key", "ring"])
        start(MCPZ_KEYS_SOURCE="auto")
        node.ask("key", "move", "--to", "pkcs11", env=env)
        self.assertEqual(names(), ["node.key.token", "ring"])
        start()

    def test_a_shredded_tenant_is_gone_and_stays_gone_in_copies(self):
        node = self.start()
        node.ask("agent", "create", "x")
        kept = node.ask("task", "submit", "nobody", "--tenant", "bolt")
        gone = node.ask("task", "submit", "nobody", "--tenant", "acme")
        node.stop()
        copy = node.data / "copy"
        shutil.copytree(node.data / "store", copy)
        node.start()
        node.ask("key", "shred", "acme")
        self.assertNotEqual(node.run("task", "status", gone["id"]).returncode, 0)
        self.assertEqual(node.run("task", "status", kept["id"]).returncode, 0)
        node.stop()
        # The raw store as it was before: what was shredded cannot be read from that either.
        shutil.rmtree(node.data / "store")
        shutil.move(copy, node.data / "store")
        node.start()
        self.assertNotEqual(node.run("task", "status", gone["id"]).returncode, 0)
        self.assertEqual(node.run("task", "status", kept["id"]).returncode, 0)
        self.assertEqual(node.ask("agent", "get", "x")["state"], {})
        self.assertEqual(node.run("key", "shred", "mcpz.system").returncode, 1)


    def test_what_is_shredded_at_one_node_is_shredded_at_all(self):
        a = self.start()
        b = self.mesh.joiner(a, "B")
        c = self.mesh.joiner(a, "C")
        wait_linked([a, b, c])
        path = pathlib.Path(self.mesh.directory) / "file"
        path.write_text(MARK)
        for node in (a, b, c):
            node.ask("blob", "put", path, "--tenant", "acme")
            node.ask("blob", "put", path, "--tenant", "bolt")
        for tenant in ("acme", "bolt"):
            a.ask("agent", "create", f"x-{MARK}", "--tenant", tenant)
            a.ask("agent", "set", f"x-{MARK}", f"k-{MARK}", json.dumps(MARK), "--tenant", tenant)

        def agent(node, tenant):
            done = node.run("agent", "get", f"x-{MARK}", "--tenant", tenant, "--json")
            said = json.loads(done.stdout)
            return said["state"] if done.returncode == 0 else said["error"]["code"]
        for node in (b, c):
            until("it has the agents", lambda: agent(node, "acme") == agent(node, "bolt") == {f"k-{MARK}": MARK})
        c.stop()
        until("C has gone", lambda: all(node.status()["members"] == 2 for node in (a, b)))
        # Kept by B when that hears of the end: a copy that comes to it later would be a new one.
        gone = a.ask("task", "submit", "nobody", "--tenant", "acme", "--copies", "2")
        kept = a.ask("task", "submit", "nobody", "--tenant", "bolt", "--copies", "2")
        b.ask("key", "shred", "acme")

        def has(node, tenant):
            return tenant in node.ask("key", "list")["tenants"]
        until("A has heard of it", lambda: not has(a, "acme"))
        until("no task of it is left", lambda: a.run("task", "status", gone["id"]).returncode != 0)
        self.assertEqual(a.run("task", "status", kept["id"]).returncode, 0)
        self.assertTrue(has(a, "bolt") and has(b, "bolt"))
        c.start()  # it was away
        until("C has heard of it", lambda: not has(c, "acme"))
        self.assertTrue(has(c, "bolt"))
        for node in (a, b, c):
            self.assertEqual(agent(node, "acme"), "shredded")
            self.assertEqual(agent(node, "bolt"), {f"k-{MARK}": MARK})
            self.assertEqual([row["tenant"] for row in node.ask("key", "list")["shredded"]], ["acme"])
        self.assertEqual([row["tenant"] for row in b.ask("agent", "list")], ["bolt"])
        a.ask("agent", "set", f"x-{MARK}", "more", "1", "--tenant", "bolt")  # others go on
        until("C has it", lambda: agent(c, "bolt") == {f"k-{MARK}": MARK, "more": 1})
        self.assertEqual([agent(node, "acme") for node in (a, b, c)], ["shredded"] * 3)
        # The tenant may begin anew, and that stays.
        blob = c.ask("blob", "put", path, "--tenant", "acme")["blob"]
        for node in (a, b, c):
            node.stop()
        for node in (a, b, c):
            node.start(listen=node.address)
        wait_linked([a, b, c])
        self.assertEqual(c.ask("blob", "stat", blob, "--tenant", "acme")["blob"], blob)
        # What the others hear of is the new key, and no old one.
        until("A has the new key",
              lambda: has(a, "acme") and a.ask("blob", "put", path, "--tenant", "acme")["blob"] == blob)


    def test_members_come_to_use_one_key_and_read_with_both(self):
        a = self.start()
        b = self.mesh.founder("B")
        path = pathlib.Path(self.mesh.directory) / "file"
        path.write_text(f"blob {MARK} " * 50_000)

        def put(node):
            return node.ask("blob", "put", path, "--tenant", "acme")["blob"]
        first, second = put(a), put(b)  # apart: each with a key of its own
        self.assertNotEqual(first, second)
        b.ask("join", a.ask("token", "create")["token"])
        wait_linked([a, b])
        same = until("both use one key", lambda: (lambda x, y: x == y and x)(put(a), put(b)))
        self.assertIn(same, (first, second))
        for node, blob in ((a, first), (b, second), (a, same), (b, same)):
            got = pathlib.Path(self.mesh.directory) / "got"
            node.ask("blob", "get", blob, got, "--tenant", "acme")
            self.assertEqual(got.read_bytes(), path.read_bytes())


if __name__ == "__main__":
    unittest.main()
