"""A network that is cut and heals, between two network namespaces of the test's own."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, until, wait_linked  # noqa: E402


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Partition(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0 or shutil.which("ip") is None:
            self.skipTest("making network namespaces wants root and iproute2")
        self.spaces = [f"mcpz-{os.getpid()}-{side}" for side in "ab"]
        try:
            for space in self.spaces:
                ip("netns", "add", space)
        except subprocess.CalledProcessError as error:
            self.skipTest(f"no network namespaces here: {error.stderr.strip()}")
        ip("link", "add", "wire", "netns", self.spaces[0], "type", "veth",
           "peer", "name", "wire", "netns", self.spaces[1])
        for number, space in enumerate(self.spaces, start=1):
            ip("-n", space, "addr", "add", f"192.0.2.{number}/24", "dev", "wire")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", "wire", "up")
        self.mesh = Mesh()

    def tearDown(self):
        if hasattr(self, "mesh"):
            self.mesh.__exit__(None, None, None)
        for space in getattr(self, "spaces", []):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)

    def start(self, name, side, *arguments):
        return self.mesh.node(name).start(
            *arguments, listen=f"192.0.2.{side + 1}:8765",
            within=("ip", "netns", "exec", self.spaces[side]))

    def test_both_sides_go_on_and_become_one_again(self):
        a = self.start("A", 0)
        token = a.ask("token", "create")["token"]
        b = self.start("B", 1, "--join", token)
        wait_linked([a, b])
        a.ask("agent", "create", "x")
        until("B holds it", lambda: b.run("agent", "get", "x").returncode == 0)

        ip("-n", self.spaces[1], "link", "set", "wire", "down")
        a.ask("agent", "increment", "x", "n", "1")
        b.ask("agent", "increment", "x", "n", "10")
        for here, there in ((a, "B"), (b, "A")):
            until(f"{there} is missed", lambda here=here, there=there: here.peers()[there]["state"] == "dead")

        ip("-n", self.spaces[1], "link", "set", "wire", "up")
        wait_linked([a, b])

        def merged():
            mine, theirs = a.ask("agent", "get", "x"), b.ask("agent", "get", "x")
            return mine["root"] == theirs["root"] and mine["state"] == {"n": 11}
        until("both sides have merged", merged)


if __name__ == "__main__":
    unittest.main()
