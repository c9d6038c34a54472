"""What `meson install` puts in place is enough to build and run a program with a node inside."""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, ROOT  # noqa: E402

MESON, BUILD, *COMPILER = shlex.split(os.environ["MCPZ_INSTALL"])


class Install(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="mcpz-install-")
        self.root = pathlib.Path(self.directory.name)
        self.run_well(MESON, "install", "-C", BUILD, "--no-rebuild", "--destdir", self.root)

    def tearDown(self):
        self.directory.cleanup()

    def run_well(self, *command, env=None):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                              env={**os.environ, **(env or {})}, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def build(self, name):
        """An example, against what was installed and nothing of the source tree."""
        [package] = self.root.glob("**/mcpz.pc")
        flags = self.run_well("pkg-config", "--cflags", "--libs", "mcpz", env={
            "PKG_CONFIG_PATH": str(package.parent), "PKG_CONFIG_SYSROOT_DIR": str(self.root)})
        program = self.root / name
        self.run_well(*COMPILER, ROOT / f"examples/{name}.c", "-o", program, *shlex.split(flags))
        return program

    def test_a_program_with_a_node_inside(self):
        program = self.build("embed")
        node = subprocess.Popen([program, self.root / "data"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        try:
            self.assertRegex(node.stdout.readline(), "^mcpz1-")
            node.terminate()
            _, said = node.communicate(timeout=PATIENCE_S)
            self.assertEqual(node.returncode, 0, said)
        finally:
            node.kill()
            node.communicate()

    def test_a_client_of_a_node_that_runs(self):
        done = subprocess.run([self.build("ask"), "hash.sha256", self.root / "nowhere"],
                              capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such entry", done.stderr)


if __name__ == "__main__":
    unittest.main()
