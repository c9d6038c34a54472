"""What other tools rely on: exit codes, JSON on every verb, errors that say what to do."""

import datetime
import json
import os
import pathlib
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, run, until, wait_linked  # noqa: E402


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.a = cls.mesh.founder("A", "--region", "home", "--zone", "attic")
        cls.b = cls.mesh.joiner(cls.a, "B", "--provide", "cat=cat")
        wait_linked([cls.a, cls.b])

    def test_status_has_what_was_promised(self):
        status = self.a.status()
        for key in ("node", "name", "mesh", "version", "region", "zone", "uptime_s", "members",
                    "links", "capabilities", "agents", "rss_bytes", "health"):
            self.assertIn(key, status)
        self.assertEqual((status["name"], status["region"], status["zone"]), ("A", "home", "attic"))
        self.assertGreaterEqual(status["members"], 2)
        self.assertGreaterEqual(status["links"], 1)
        self.assertEqual(status["node"], self.a.id)
        self.assertIsInstance(status["health"], list)

    def test_peers_has_what_was_promised(self):
        peer = self.b.peers()["A"]
        self.assertEqual(set(peer) & {"node", "name", "state", "address", "rtt_ms", "zone", "region", "since"},
                         {"node", "name", "state", "address", "rtt_ms", "zone", "region", "since"})
        self.assertEqual((peer["name"], peer["state"], peer["zone"]), ("A", "alive", "attic"))

    def test_capabilities_name_their_providers(self):
        until("A knows cat", lambda: self.a.ask("capabilities"))
        capability, = self.a.ask("capabilities")
        self.assertEqual(capability["name"], "cat")
        self.assertEqual(capability["providers"][0]["node"], self.b.id)

    def test_every_verb_has_help_and_it_exits_with_0(self):
        verbs = ["up", "join", "leave", "revoke", "revocations", "token create", "token list", "token revoke", "token inspect",
                 "status", "peers", "events", "capabilities", "task run", "task submit",
                 "task status", "task wait", "task cancel", "task list", "task runs", "queue list",
                 "queue pause", "queue resume", "dlq list", "dlq show", "dlq replay", "dlq purge", "agent create", "agent get",
                 "agent set", "agent add", "agent remove", "agent increment", "agent delete",
                 "agent keep", "agent fence", "agent life", "agent enable", "agent disable",
                 "agent grant", "agent spend", "agent push", "agent insert", "agent move",
                 "agent drop", "agent map", "agent conflicts", "agent forks", "agent history", "agent at",
                 "agent diff", "agent watch", "agent restore",
                 "agent list", "snapshot list", "snapshot export", "snapshot import",
                 "config check", "config show", "version"]
        for verb in verbs:
            done = run(*verb.split(), "--help")
            self.assertEqual((verb, done.returncode), (verb, 0))
            self.assertIn("mcpz", done.stdout)

    def test_what_reads_says_json(self):
        for verb in ("status", "peers", "capabilities", "revocations", "token list", "agent list",
                     "snapshot list", "config show", "version"):
            done = self.a.run(*verb.split(), "--json")
            self.assertEqual((verb, done.returncode), (verb, 0), done.stderr)
            json.loads(done.stdout)
            plain = self.a.run(*verb.split())
            self.assertEqual((verb, plain.returncode), (verb, 0), plain.stderr)

    def test_a_wrong_verb_is_usage_and_the_right_one_is_named(self):
        done = run("statis")
        self.assertEqual(done.returncode, 2)
        self.assertIn("status", done.stderr)

    def test_a_wrong_flag_is_usage_and_the_right_one_is_named(self):
        done = self.a.run("status", "--jsn")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--json", done.stderr)

    def test_no_node_is_4(self):
        done = run("status", "--data", self.mesh.directory + "/nothing")
        self.assertEqual(done.returncode, 4)
        self.assertIn("mcpz up", done.stderr)

    def test_agents_hold_values_of_all_types(self):
        ask, there = self.a.ask, self.b.ask
        fails = lambda *arguments: self.a.run(*arguments).returncode
        ask("agent", "create", "types")
        ask("agent", "keep", "types", "mood", '"calm"')
        ask("agent", "fence", "types", "owner", "7", '"ann"', "1")
        self.assertEqual(fails("agent", "fence", "types", "owner", "6", '"bob"'), 8)
        ask("agent", "enable", "types", "careful")
        ask("agent", "enable", "types", "quick")
        ask("agent", "disable", "types", "quick")
        ask("agent", "grant", "types", "budget", "10")
        ask("agent", "spend", "types", "budget", "4")
        self.assertEqual(fails("agent", "spend", "types", "budget", "7"), 8)
        for word in ("b", "c", "d"):
            ask("agent", "push", "types", "steps", f'"{word}"')
        ask("agent", "insert", "types", "steps", "0", '"a"')
        ask("agent", "move", "types", "steps", "3", "1")
        ask("agent", "drop", "types", "steps", "0")
        self.assertEqual(fails("agent", "drop", "types", "steps", "3"), 6)
        ask("agent", "map", "types", "notes")
        ask("agent", "life", "types", "maintenance")
        self.assertEqual(fails("agent", "life", "types", "deleted"), 2)
        self.assertEqual(fails("agent", "move", "types", "steps", "0", "x"), 2)
        state = {"mood": "calm", "owner": "ann", "careful": True, "budget": 6, "notes": {},
                 "steps": ["d", "b", "c"]}
        self.assertEqual(ask("agent", "get", "types")["state"], state)
        # What is given to the other node is spent there, and only there.
        until("the agent is at the other node",
              lambda: self.b.run("agent", "get", "types").returncode == 0 and
              there("agent", "get", "types")["state"] == state)
        self.assertEqual(self.b.run("agent", "spend", "types", "budget", "1").returncode, 8)
        self.assertEqual(fails("agent", "grant", "types", "budget", "5", "nobody"), 2)
        ask("agent", "grant", "types", "budget", "5", there("status")["name"])
        added = [row for write in ask("agent", "history", "types") for row in write["added"]]
        self.assertIn(("owner", 7, 1), [(row["path"], row.get("epoch"), row.get("rank")) for row in added])
        self.assertEqual([row["value"]["given"] for row in added if row["path"] == "budget"][-1],
                         {there("status")["node"]: 5})
        until("what was given can be spent",
              lambda: self.b.run("agent", "spend", "types", "budget", "5").returncode == 0)
        self.assertEqual(fails("agent", "spend", "types", "budget", "2"), 8)
        until("what was spent is known",
              lambda: ask("agent", "get", "types")["state"]["budget"] == 1)
        ask("agent", "spend", "types", "budget", "1")
        ask("agent", "delete", "types")

    def test_what_an_agent_was_can_be_seen(self):
        ask = self.a.ask
        ask("agent", "create", "past")
        ask("agent", "set", "past", "k", "1")
        ask("agent", "push", "past", "steps", '"a"')
        then_ms = ask("agent", "history", "past")[-1]["time_ms"]
        # Stamps go on with each write, whatever the clock: but only its milliseconds are asked for.
        until("the clock has moved", lambda: time.time_ns() // 1000000 > then_ms)
        ask("agent", "set", "past", "k", "2")
        ask("agent", "unset", "past", "steps")
        ask("agent", "delete", "past")
        then = datetime.datetime.fromtimestamp(then_ms / 1000, datetime.timezone.utc)
        then = then.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        self.assertEqual(ask("agent", "at", "past", then)["state"], {"k": 1, "steps": ["a"]})
        self.assertEqual(self.a.run("agent", "at", "past", "1970-01-01T00:00:01Z").returncode, 6)
        self.assertEqual(self.a.run("agent", "at", "past", "yesterday").returncode, 2)
        self.assertEqual(self.a.run("agent", "diff", "past", then).returncode, 6)  # it is deleted
        ask("agent", "create", "past")
        self.assertEqual(ask("agent", "diff", "past", then),
                         [{"path": "/k", "before": 1}, {"path": "/steps", "before": ["a"]}])
        self.assertIn("- /k  1\n", self.a.run("agent", "diff", "past", then).stdout)
        self.assertEqual(ask("agent", "diff", "past", then, then), [])
        self.assertIn('nothing to remove: agent "past", path "no.where"',
                      self.a.run("agent", "unset", "past", "no.where").stderr)
        writes = ask("agent", "history", "past")
        self.assertEqual(len(writes), 7)
        self.assertEqual(writes[1]["added"], [{"path": "k", "type": "register", "value": 1}])
        self.assertEqual([row["path"] for row in writes[4]["removed"]], ["steps"])
        self.assertEqual(ask("agent", "history", "past", "--limit", "2"), writes[-2:])
        self.assertIn('+ steps  list  "a"', self.a.run("agent", "history", "past").stdout)
        ask("agent", "delete", "past")

        # It comes back as it was, for both nodes, and a trial writes nothing.
        changes = [{"path": "/k", "after": 1}, {"path": "/steps", "after": ["a"]}]
        self.assertEqual(ask("agent", "restore", "past", "--at", then, "--dry-run"), changes)
        self.assertEqual(self.a.run("agent", "get", "past").returncode, 6)
        self.assertEqual(ask("agent", "restore", "past", "--at", then, "--ack", "all", "--timeout", "60s"), changes)
        self.assertEqual(self.b.ask("agent", "get", "past")["state"], {"k": 1, "steps": ["a"]})
        self.assertEqual(ask("agent", "restore", "past", "--at", then), [])
        self.assertEqual(ask("agent", "at", "past", writes[3]["version"])["state"],
                         {"k": 2, "steps": ["a"]})
        done = self.a.run("agent", "restore", "past", "--at", writes[3]["version"][:12])
        self.assertEqual((done.returncode, done.stdout), (0, "- /k  1\n+ /k  2\n"))
        many = ask("agent", "restore", "--prefix", "pas", "--at", then)
        self.assertEqual((many["agents"], many["changed"], many["absent"]), (1, 1, 0))
        self.assertEqual(ask("agent", "restore", "--prefix", "pas", "--at", "1d")["absent"], 1)
        for said, status in ((("past", "--at", "1970-01-01T00:00:01Z"), 6), (("past",), 2),
                             (("past", "--at", "v-00000000"), 6), (("past", "--at", "v-0"), 2),
                             (("past", "--all", "--at", "1m"), 2), (("--all", "--at", "v-0"), 2)):
            self.assertEqual(self.a.run("agent", "restore", *said).returncode, status, said)
        ask("agent", "delete", "past")

    def test_agents_from_birth_to_death(self):
        ask = self.a.ask
        ask("agent", "create", "life")
        self.assertEqual(self.a.run("agent", "create", "life").returncode, 8)
        ask("agent", "set", "life", "a.b", '{"x": 1}')
        ask("agent", "add", "life", "s", '"one"')
        ask("agent", "add", "life", "s", '"two"')
        ask("agent", "remove", "life", "s", '"one"')
        ask("agent", "increment", "life", "n", "5")
        ask("agent", "increment", "life", "n", "-7")
        got = ask("agent", "get", "life")
        self.assertEqual(set(got) >= {"id", "root", "state"}, True)
        self.assertEqual(got["state"], {"a": {"b": {"x": 1}}, "s": ["two"], "n": -2})
        for path, value in (("a.b", {"x": 1}), ("/a/b/x", 1), ("s.0", "two"), ("n", -2)):
            self.assertEqual(ask("agent", "get", "life", path), value)
        for path in ("a.c", "s.1", "s.x", "n.0"):
            self.assertEqual(self.a.run("agent", "get", "life", path).returncode, 6, path)
        self.assertEqual(self.a.run("agent", "get", "life", "--file", "x").returncode, 2)
        self.assertIn("life", [agent["id"] for agent in ask("agent", "list")])
        self.assertEqual(ask("agent", "conflicts", "life"), [])
        self.assertEqual(ask("agent", "forks", "life"), [])
        self.assertEqual(self.a.run("agent", "forks", "nobody").returncode, 6)
        for key, value in (("k", "x" * 2000), ("/" + "k" * 2000, "x")):
            self.assertEqual(self.a.run("agent", "set", "life", key, f'"{value}"').returncode, 2)
        ask("agent", "set", "life", "n", "true")
        self.assertEqual(ask("agent", "conflicts", "life")[0]["values"], {"counter": -2})
        self.assertIn("n  hidden counter  -2", self.a.run("agent", "conflicts", "life").stdout)
        ask("agent", "delete", "life")
        self.assertEqual(self.a.run("agent", "get", "life").returncode, 6)
        unset = self.a.run("agent", "set", "life", "k", "1")
        self.assertEqual(unset.returncode, 6)
        self.assertIn('create it first: agent "life"', unset.stderr)

    def test_a_value_that_is_not_json_is_usage(self):
        self.a.run("agent", "create", "usage")
        self.assertEqual(self.a.run("agent", "set", "usage", "k", "{nope").returncode, 2)

    def test_tokens_are_listed_revoked_and_never_shown_again(self):
        made = self.a.ask("token", "create", "--ttl", "10m", "--uses", "3")
        self.assertEqual(made["uses"], 3)
        self.assertTrue(made["token"].startswith("mcpz1-"))
        listed = self.a.run("token", "list", "--json").stdout
        self.assertNotIn(made["token"], listed)
        seen = json.loads(run("token", "inspect", made["token"], "--json").stdout)
        self.assertNotIn("secret", json.dumps(seen))
        self.a.ask("token", "revoke", made["id"])
        states = {token["id"]: token["state"] for token in self.a.ask("token", "list")}
        self.assertEqual(states[made["id"]], "revoked")
        self.assertEqual(self.a.run("token", "revoke", "00" * 16).returncode, 6)

    def test_a_token_is_all_of_standard_output(self):
        done = self.a.run("token", "create")
        self.assertRegex(done.stdout, r"\Amcpz1-[a-z0-9]+\n\Z")
        self.assertIn(f"mcpz up --join {done.stdout}", done.stderr)

    def test_who_may_not_admit_is_denied(self):
        self.assertEqual(self.b.run("token", "create").returncode, 7)

    def test_a_revoked_token_is_denied_with_the_reason(self):
        made = self.a.ask("token", "create")
        self.a.ask("token", "revoke", made["id"])
        outsider = self.mesh.founder("outsider")
        done = outsider.run("join", made["token"])
        self.assertEqual(done.returncode, 7)
        self.assertIn("revoked", done.stderr)
        outsider.stop()

    def test_join_and_leave_at_run_time(self):
        wanderer = self.mesh.founder("wanderer")
        made = self.a.ask("token", "create")
        joined = wanderer.ask("join", "-", stdin=made["token"] + "\n")
        self.assertEqual(joined["mesh"], self.a.status()["mesh"])
        until("A sees it", lambda: self.a.peers().get("wanderer", {}).get("state") == "alive")
        self.assertEqual(wanderer.run("join", made["token"]).returncode, 8)
        wanderer.ask("leave")
        until("A sees it leave", lambda: self.a.peers()["wanderer"]["state"] == "left")
        wanderer.stop()

    def test_a_task_without_time_is_usage(self):
        done = self.a.run("task", "run", "cat", "--timeout", "0s")
        self.assertEqual(done.returncode, 2)

    def test_a_port_in_use_names_its_holder(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            done = run("up", "--data", self.mesh.directory + "/port", "--listen", f"127.0.0.1:{port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(port), done.stderr)
        self.assertIn(str(os.getpid()), done.stderr)

    def test_an_address_that_is_not_ours_is_said_to_be_so(self):
        done = run("up", "--data", self.mesh.directory + "/foreign", "--listen", "203.0.113.7:8765")
        self.assertEqual(done.returncode, 1)
        self.assertIn("203.0.113.7", done.stderr)

    def test_a_config_with_a_typo_names_file_line_and_the_nearest_key(self):
        path = pathlib.Path(self.mesh.directory) / "typo.yaml"
        path.write_text("name: x\nregoin: home\n")
        for verb in (["config", "check"], ["up", "--data", self.mesh.directory + "/typo"]):
            done = run(*verb, "--config", path)
            self.assertEqual(done.returncode, 3)
            self.assertIn("typo.yaml:2", done.stderr)
            self.assertIn("region", done.stderr)

    def test_a_key_others_can_read_is_refused(self):
        node = self.mesh.founder("keys")
        node.stop()
        key = node.data / "identity.key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        key.chmod(0o644)
        done = run("up", "--data", node.data, "--listen", "127.0.0.1:0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("chmod 600", done.stderr)

    def test_ephemeral_leaves_nothing(self):
        node = self.mesh.node("short")
        node.start("--ephemeral")
        data = pathlib.Path(node.ready["data"])
        self.assertTrue(data.exists())
        node.stop()
        self.assertFalse(data.exists())

    def test_a_reload_takes_new_providers_and_refuses_a_bad_file(self):
        path = pathlib.Path(self.mesh.directory) / "reload.yaml"
        path.write_text("providers:\n  - {name: one, command: cat}\n")
        node = self.mesh.founder("reload", "--config", path)
        until("it offers one", lambda: [c["name"] for c in node.ask("capabilities")] == ["one"])
        path.write_text("providers:\n  - {name: two, command: cat}\n")
        node.process.send_signal(signal.SIGHUP)
        until("it offers two", lambda: [c["name"] for c in node.ask("capabilities")] == ["two"])
        path.write_text("providers:\n  - {nmae: three, command: cat}\n")
        node.process.send_signal(signal.SIGHUP)
        until("it says what is wrong", lambda: "reload.yaml:2" in node.log())
        self.assertEqual([c["name"] for c in node.ask("capabilities")], ["two"])
        node.stop()


if __name__ == "__main__":
    unittest.main()
