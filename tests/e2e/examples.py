"""The examples with two runs, in their shortest form: each runs to its end, its accounts add up, its page shows both runs. How well
they do is not asked here, since that depends on the machine.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

import weir_process
from weir_process import WeirTest, main, weir

EXAMPLES = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples"))
RUNS = {"retry-storm": [], "slow-database": [], "chain-of-gateways": [], "cached-when-open": ["--database", "sqlite"]}


class Examples(WeirTest):
    def run_quick(self, name):
        done = subprocess.run([sys.executable, "-B", os.path.join(EXAMPLES, name, "run"), "--quick", "--weir", weir_process.BINARY,
                               "--html", self.path(name + ".html"), *RUNS[name]], text=True, capture_output=True, timeout=280)
        return done.returncode, done.stdout, done.stderr

    def test_each_runs_to_its_end_and_its_accounts_add_up(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            results = dict(zip(RUNS, pool.map(self.run_quick, RUNS)))
        for name, (code, out, err) in results.items():
            with self.subTest(name):
                self.assertEqual((code, err), (0, ""), out)
                accounts = re.findall(r": (\d+) in = (\d+) answered \+ (\d+) refused .*\+ (\d+) abandoned", out)
                self.assertTrue(accounts, out)
                for came, *went in accounts:
                    self.assertEqual(int(came), sum(map(int, went)), out)
                with open(self.path(name + ".html")) as f:
                    page = f.read()
                self.assertEqual((page.count("<h1>without</h1>"), page.count("<h1>with</h1>")), (1, 1))
                self.assertNotRegex(page, "(?i)<script|src=|<link|@import")
        # The database was gone when it was asked, and the breaker open before and after.
        said = results["cached-when-open"][1]
        self.assertIn("while the breaker was open: price 100, Cache-Status: weir; hit; detail=stale", said)
        self.assertIn('"degraded":true', said)

    def test_their_configurations_pass_the_check(self):
        files = [file for name in RUNS for file in glob.glob(os.path.join(EXAMPLES, name, "*.yaml"))
                 if not file.endswith("load.yaml")]
        self.assertEqual(len(files), 5)
        for file in files:
            code, out, err = weir("check", file, folder=self.folder)
            self.assertEqual(code, 0, file + out + err)


if __name__ == "__main__":
    main()
