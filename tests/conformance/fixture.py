"""A fixture of the conformance suites that runs by itself, over Streamable HTTP."""

import subprocess
import threading


class Fixture:
    def __init__(self, node, path):
        self.process = subprocess.Popen([str(node), str(path), "http", "0"], cwd=path.parent,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()  # "... on PORT"
        self.url = f"http://127.0.0.1:{int(said.split()[-1])}/mcp"
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self):
        self.process.kill()
        self.process.wait()
