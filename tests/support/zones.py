"""A network of the test's own: each node in a network namespace with an address and a wire.

Every wire ends in one router, where packets can be dropped from whom and to whom one likes, one
way or both, without a word to the sender: a cut cable, a half-open link. Nothing of it touches the
machine's own network. Wants root and iproute2.
"""

import os
import pathlib
import shutil
import subprocess

ANYWHERE = "0.0.0.0/0"
WIRE = "mesh"  # what a node's end of its wire is called
GATEWAY = "10.77.0.1"


class Unavailable(Exception):
    """No such network can be made here; the text says why."""


def ip(*arguments, commands=None):
    """Run `ip`, or several of its commands at once."""
    if commands is not None:
        arguments = (*arguments, "-batch", "-")
        commands = "\n".join(commands) + "\n"
    subprocess.run(["ip", *arguments], input=commands, check=True, capture_output=True, text=True)


class Place:
    """Where one node stands: a namespace, an address, a zone."""

    def __init__(self, space, zone, number):
        self.space = space
        self.zone = zone
        self.address = f"10.77.{zone}.{number}"
        self.within = ("ip", "netns", "exec", space)  # a command to run others under

    @property
    def wire(self):
        """What the router calls the wire to it."""
        return "z" + self.address.replace("10.77.", "").replace(".", "-")


class Zones:
    """As a context manager: zones of so many places each, and the router between them."""

    def __init__(self, *sizes):
        stem = f"mcpz-{os.getpid()}"
        self.router = f"{stem}-router"
        self.places = [Place(f"{stem}-{zone}-{number}", zone, number)
                       for zone, size in enumerate(sizes, start=1)
                       for number in range(1, size + 1)]
        self.drops = []

    def __enter__(self):
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise Unavailable("making network namespaces wants root and iproute2")
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            self.remove()
            raise Unavailable(f"no network namespaces here: {error.stderr.strip()}") from None
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.remove()

    def _make(self):
        ip(commands=[f"netns add {space}" for space in self._spaces()])
        ip(commands=[f"link add {place.wire} netns {self.router} type veth "
                     f"peer name {WIRE} netns {place.space}" for place in self.places])
        subprocess.run(["ip", "netns", "exec", self.router, "sh", "-c",
                        "echo 1 >/proc/sys/net/ipv4/ip_forward"],
                       check=True, capture_output=True, text=True)
        ip("-n", self.router, commands=[
            f"addr add {GATEWAY}/32 dev lo", "link set lo up",
            *(line for place in self.places for line in (
                f"link set {place.wire} addrgenmode none up",
                f"route add {place.address} dev {place.wire}"))])
        for place in self.places:
            # Without IPv6 the wires are silent by themselves: what is counted is the nodes' own.
            ip("-n", place.space, commands=[
                "link set lo up", f"link set {WIRE} addrgenmode none up",
                f"addr add {place.address}/32 dev {WIRE}", f"route add {GATEWAY} dev {WIRE}",
                f"route add default via {GATEWAY} src {place.address}"])

    def _spaces(self):
        return [self.router, *(place.space for place in self.places)]

    def remove(self):
        """Give everything back. What still runs in there keeps its namespace until it ends."""
        made = {entry.name for entry in pathlib.Path("/run/netns").glob("*")}
        for space in self._spaces():
            if space in made:
                subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)

    def drop(self, source, target):
        """From now on, drop what `source` sends to `target`: addresses, or prefixes."""
        rule = ("from", source, "to", target, "blackhole")
        ip("-n", self.router, "rule", "add", *rule)
        self.drops.append(rule)

    def cut(self, zone):
        """Nothing goes into this zone or comes out of it."""
        for other in {place.zone for place in self.places} - {zone}:
            self.drop(f"10.77.{zone}.0/24", f"10.77.{other}.0/24")
            self.drop(f"10.77.{other}.0/24", f"10.77.{zone}.0/24")

    def heal(self):
        """Everybody reaches everybody again."""
        while self.drops:
            ip("-n", self.router, "rule", "del", *self.drops[-1])
            self.drops.pop()
