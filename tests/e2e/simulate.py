"""`weir simulate`: a flow on a virtual clock, from the command line."""
import json

from weir_process import WeirTest, main, weir

FLOW = """
sources:
  events: { type: http, listen: "127.0.0.1:8080" }
sinks:
  archive: { type: blackhole, from: [events], batch: { max_events: 10 }, queue: { max_events: %s, reserved_for_high: 0%%%s } }
"""


class Simulate(WeirTest):
    def flow(self, bound, when_full="", more=""):
        with open(self.path("weir.yaml"), "w") as f:
            f.write(FLOW % (bound, when_full) + more)

    def simulate(self, *options):
        code, out, err = weir("simulate", "--json", *options, folder=self.folder, within=240)
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)

    def test_bufferbloat_an_unbounded_queue_is_thirty_seconds_late_and_one_of_200_ms_never_later(self):
        load = ["--load", "events=1500/s", "--service", "archive=1000/s", "--for", "60s", "--arrivals", "constant"]
        self.flow(100_000)
        unbounded = self.simulate(*load)
        self.assertAlmostEqual(unbounded["sources"]["events"]["max_ms"], 30_000, delta=150)
        self.assertAlmostEqual(unbounded["sinks"]["archive"]["most_waiting"], 30_000, delta=100)
        self.flow(200, ", when_full: drop_oldest")
        bounded = self.simulate(*load)
        # 200 ms in the queue, and up to two deliveries of 10 ms.
        self.assertLessEqual(bounded["sources"]["events"]["max_ms"], 225)
        self.assertAlmostEqual(bounded["sinks"]["archive"]["delivered"], 60_000, delta=300)
        ended = bounded["sources"]["events"]["ended"]
        self.assertEqual(sum(ended.values()), 90_000)
        self.assertAlmostEqual(ended["stored"], 60_000, delta=300)

    def test_a_run_is_the_same_to_the_byte(self):
        self.flow(200)
        runs = [weir("simulate", "--load", "events=0:50,2:200..20", "--service", "archive=lognormal:8ms,0.5", "--stall", "archive=3s,1s", "--for", "9s",
                     "--seed", seed, folder=self.folder) for seed in ("4", "4", "5")]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        self.assertEqual(runs[0][0], 0)
        self.assertIn("stored within p50", runs[0][1])

    def test_a_full_flow_holds_its_source_back_and_loses_nothing(self):
        self.flow(100)
        run = self.simulate("--load", "events=1000/s", "--service", "archive=500/s", "--for", "4s")
        source = run["sources"]["events"]
        self.assertEqual((source["ended"], run["unsettled"]), ({"stored": source["arrived"]}, 0))
        self.assertGreater(source["most_held"], 1000)
        self.assertAlmostEqual(source["max_ms"], 4000, delta=400)  # times count from when events were due, read or not
        self.assertLessEqual(run["sinks"]["archive"]["most_waiting"], 100)
        self.assertAlmostEqual(run["lasted"], 8, delta=0.5)

    def test_what_is_not_drained_is_said(self):
        self.flow(100, more="drain_deadline: 2s\n")
        code, out, _ = weir("simulate", "--load", "events=1000/s", "--service", "archive=100/s", "--for", "2s", folder=self.folder)
        self.assertEqual(code, 0)
        self.assertIn("NOT DRAINED", out)

    def test_bad_input_is_one_line(self):
        self.flow(100)
        load = ["--load", "events=1/s"]
        for options, said in [
                ([], "--load SOURCE=800/s"),
                (["--load", "events"], "write SOURCE=800/s"),
                (["--load", "nowhere=1/s"], "no source nowhere"),
                (["--load", "events=1"] + ["--for", "1ms"], "nothing would arrive"),
                (["--load", "events=0/s"], "nothing would arrive"),
                (["--load", "events=x"], "--load events: "),
                (load + load, "there are two"),
                (load + ["--service", "archive=10ms"], "is no time"),
                (load + ["--service", "archive=0/s"], "must be more than 0"),
                (load + ["--service", "nowhere=1/s"], "no sink nowhere"),
                (load + ["--stall", "archive=5s"], "write SINK=10s,2s"),
                (load + ["--for", "0s"], "--for: "),
                (load + ["--for", "forever"], "--for: "),
                (load + ["--arrivals", "odd"], "--arrivals: "),
                (["--load", "events=1000000/s", "--for", "1h"], "--count allows"),
        ]:
            code, out, err = weir("simulate", *options, folder=self.folder)
            self.assertEqual((code, out, err.count("\n")), (64, "", 1), (options, out, err))
            self.assertIn(said, err, options)
        self.flow(100, more="journals: { log: { type: disk, from: [events], path: log } }\n")
        code, _, err = weir("simulate", *load, folder=self.folder)
        self.assertEqual(code, 64)
        self.assertIn("journals are not simulated", err)


if __name__ == "__main__":
    main()
