"""Real nodes on loopback for tests and the demo: start, ask, kill. Standard library only."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MCPZ = os.environ.get("MCPZ", str(ROOT / "build/src/cli/mcpz"))

# Only a bound on how long a condition may take to come true; sanitizers and busy machines are slow.
PATIENCE_S = float(os.environ.get("MCPZ_TEST_PATIENCE", "60"))

# An address of loopback that no other test of this machine has: who is stopped and started again with
# its port finds it free, and who goes on dialling it meanwhile meets nobody else.
LOOPBACK = "127.{}.{}.{}".format(64 + (os.getpid() >> 16) % 64, os.getpid() >> 8 & 255, os.getpid() & 255)


class Failed(Exception):
    """A condition did not come true, or a command did not do what it should."""


def until(what, condition, patience=PATIENCE_S):
    """Wait until `condition()` is true; give what it returned."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failed(f"did not come true within {patience:.0f} s: {what}")
        time.sleep(0.05)


def run(*arguments, stdin=None, env=None, timeout=PATIENCE_S):
    """Run `mcpz` with arguments; the finished process, with text in stdout and stderr."""
    return subprocess.run(
        [MCPZ, *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=not isinstance(stdin, bytes),
        env={**os.environ, **(env or {})},
        timeout=timeout,
        check=False,
    )


class Node:
    """One `mcpz up` and the commands that talk to it."""

    def __init__(self, directory, name):
        self.name = name
        self.data = pathlib.Path(directory) / name
        self.log_path = pathlib.Path(directory) / f"{name}.log"
        self.process = None
        self.ready = None

    def start(self, *arguments, listen=f"{LOOPBACK}:0", env=None, within=()):
        """Start and wait until it says that it is ready. The line it says is in `self.ready`.

        `within` is a command to run it under: ("ip", "netns", "exec", NAME).
        """
        command = [*within, MCPZ, "up", "--data", str(self.data), "--name", self.name, "--json"]
        if listen is not None:
            command += ["--listen", listen]
        # The log is appended to: all lives of one node in one file.
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*command, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(env or {})},
            )
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise Failed(f"{self.name} did not start (exit {self.process.returncode}):\n{self.log()}")
        self.ready = json.loads(line)
        return self

    @property
    def id(self):
        return self.ready["node"]

    @property
    def address(self):
        return self.ready["address"]

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def run(self, *arguments, **options):
        """Run a verb against this node; the finished process."""
        return run(*arguments, "--data", self.data, **options)

    def ask(self, *arguments, **options):
        """Run a verb with --json; what it said. Failed unless it exits with 0."""
        done = self.run(*arguments, "--json", **options)
        if done.returncode != 0:
            raise Failed(f"{self.name}: mcpz {' '.join(map(str, arguments))} gave "
                         f"{done.returncode}: {done.stderr.strip()} {done.stdout.strip()}\n{self.log()}")
        return json.loads(done.stdout)

    def status(self):
        return self.ask("status")

    def peers(self):
        """Peers by name."""
        return {peer["name"]: peer for peer in self.ask("peers")}

    def kill(self):
        """kill -9, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self, patience=PATIENCE_S):
        """SIGTERM; the exit status."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.terminate()
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"{self.name} did not stop when told to:\n{self.log()}") from None
        self.process.stdout.close()
        return status


class Local(http.client.HTTPConnection):
    """The API of a node, over its Unix socket."""

    def __init__(self, node, timeout=PATIENCE_S):
        super().__init__("localhost", timeout=timeout)
        self.path = str(node.data / "mcpz.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None):
        """Ask with a JSON body, once: status and answer (None: it has none). OSError where there is no node."""
        try:
            self.request(method, path, None if body is None else json.dumps(body))
            answer = self.getresponse()
            text = answer.read()
        finally:
            self.close()
        return answer.status, json.loads(text) if text else None


class Mesh:
    """A directory of nodes that goes away at the end; as a context manager."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="mcpz-mesh-")
        self.nodes = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.kill()
                node.process.wait()
        if kind is not None:
            for node in self.nodes:
                print(f"--- log of {node.name}\n{node.log()[-6000:]}")
        shutil.rmtree(self.directory, ignore_errors=True)

    def node(self, name):
        node = Node(self.directory, name)
        self.nodes.append(node)
        return node

    def founder(self, name="A", *arguments, **options):
        """A first node, with a mesh of its own."""
        return self.node(name).start(*arguments, **options)

    def joiner(self, founder, name, *arguments, **options):
        """A node that joins with a token of the founder's and is linked with it."""
        token = founder.ask("token", "create", "--ttl", "1h", "--uses", "1")["token"]
        node = self.node(name).start("--bootstrap", f"wss://{founder.address}", "--join", token,
                                     *arguments, **options)
        until(f"{name} is a member", lambda: name in founder.peers())
        return node


def descendants(pid):
    """All processes below this one that are not zombies: pid -> command."""
    parents, commands = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            commands[int(entry.name)] = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    found, level = {}, {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found.update({child: commands[child] for child in level})
    return found


def wait_linked(nodes):
    """Wait until every node holds all of them for alive and has a neighbour among them."""
    count = len(nodes)
    for node in nodes:
        until(f"{node.name} sees {count} members",
              lambda node=node: (lambda s: s["members"] == count and s["neighbours"] > 0)(node.status()))
