"""Runs httpdest probe against the receiver: python3 -m unittest"""

import os
import subprocess
import threading
import unittest

from receiver import Receiver, Server


class Conformance(unittest.TestCase):
    def test_probe(self):
        server = Server(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "http://127.0.0.1:%d/profiles" % server.server_port
        httpdest = os.environ.get("HTTPDEST", "httpdest")
        done = subprocess.run([httpdest, "probe", url, "--run", "^(message|refusal)/"], capture_output=True, text=True)
        server.shutdown()
        server.server_close()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(Receiver.profiles)


if __name__ == "__main__":
    unittest.main()
