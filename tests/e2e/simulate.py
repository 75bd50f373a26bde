"""`weir simulate`: a flow on a virtual clock, from the command line."""
import json
import os

from weir_process import WeirTest, main, weir

FLOW = """
sources:
  events: { type: http, listen: "127.0.0.1:8080", when_full: block }
sinks:
  archive: { type: blackhole, from: [events], batch: { max_events: 10 }, queue: { max_events: %s, reserved_for_high: 0%%%s } }
"""

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
SCENARIOS = """
sources:
  events: { type: http, listen: "127.0.0.1:8080", when_full: block }
  calls: { type: http, listen: "127.0.0.1:8081", guards: { rate: { limit: 100/s, burst: 10 } } }
sinks:
  archive: { type: blackhole, from: [events], batch: { max_events: 1 }, queue: { max_events: 100000 } }
  index: { type: blackhole, from: [calls], batch: { max_events: 1 } }
scenarios:
  day:
    for: 20s
    seed: 3
    loads: { events: { rate: 90/s } }
    services: { archive: { time: "exponential:10ms" } }
  trouble:
    for: 30s
    loads: { events: { rate: 20/s, arrivals: constant } }
    services: { archive: { time: "fixed:10ms" } }
    faults: [ { sink: archive, at: 10s, for: 5s, refuse: true } ]
  flaky:
    for: 30s
    loads: { events: { rate: 20/s } }
    services: { archive: { time: "fixed:10ms" } }
    faults: [ { sink: archive, at: 5s, for: 10s, errors: 3% }, { sink: archive, at: 20s, for: 5s, slow: 2 } ]
  guarded:
    for: 10s
    loads: { calls: { rate: 200/s, arrivals: constant } }
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

    def scenarios(self):
        with open(self.path("weir.yaml"), "w") as f:
            f.write(SCENARIOS)

    def assert_littles_law(self, run):
        for name, source in run["sources"].items():
            self.assertAlmostEqual(source["inside_s"], source["times_s"], delta=1e-5 + 1e-7 * source["times_s"], msg=name)

    def test_a_scenario_of_the_file_is_played_and_obeys_littles_law(self):
        self.scenarios()
        for name in ("day", "trouble", "flaky", "guarded"):
            run = self.simulate(name)
            self.assertEqual(run["scenario"], name)
            self.assert_littles_law(run)
        code, out, err = weir("simulate", "weir.yaml", "day", folder=self.folder)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("p999", out)
        self.assertNotEqual(self.simulate("day")["sources"], self.simulate("day", "--seed", "4")["sources"])

    def test_a_sink_that_refuses_is_left_alone_by_its_breaker_and_all_is_delivered_afterwards(self):
        self.scenarios()
        run = self.simulate("trouble")
        source, sink = run["sources"]["events"], run["sinks"]["archive"]
        self.assertEqual(source["ended"], {"stored": 600})
        self.assertGreaterEqual(sink["breaker_opened"], 1)
        self.assertGreater(sink["failed"], 0)
        self.assertLess(sink["failed"], 50)  # 50 000 without backoff and breaker: a refusal takes 0.1 ms
        self.assertGreater(source["max_ms"], 4500)
        self.assertLess(run["recovered_s"], 15)
        self.assertIn("refuses, as the scenario says", run["worst"]["why"])
        self.assertGreater(run["worst"]["at_s"], 10)

    def test_the_guards_of_a_source_refuse_what_is_too_much(self):
        self.scenarios()
        ended = self.simulate("guarded")["sources"]["calls"]["ended"]
        self.assertEqual(sum(ended.values()), 2000)
        self.assertAlmostEqual(ended["stored"], 1010, delta=15)
        self.assertEqual(len(ended), 2, ended)
        self.assertTrue(any(how.startswith("refused (") for how in ended), ended)

    def test_another_value_stands_beside_it_and_a_sweep_has_a_column_for_each(self):
        self.scenarios()
        two = self.simulate("day", "--set", "sinks.archive.workers=2")
        self.assertEqual([run["sinks"]["archive"]["workers"] for run in two], [1, 2])
        self.assertGreater(two[0]["sources"]["events"]["p99_ms"], 2 * two[1]["sources"]["events"]["p99_ms"])
        code, out, err = weir("simulate", "day", "--sweep", "scenarios.day.loads.events.rate=10/s,50/s,80/s", "--html", "page.html",
                              folder=self.folder)
        self.assertEqual((code, err), (0, ""))
        self.assertGreaterEqual(len([line for line in out.splitlines() if line.startswith("p99 ")][0].split()), 4, out)
        with open(self.path("page.html")) as f:
            page = f.read()
        self.assertEqual(page.count("Events inside"), 3)
        self.assertIn("<svg", page)

    def test_the_least_number_that_is_enough_is_found(self):
        self.scenarios()
        # 250/s of 10 ms: three workers are 83 % busy, two never get it done.
        wish = ["day", "--set", "scenarios.day.loads.events.rate=250/s", "--find", "min sinks.archive.workers for p99 < 1s"]
        self.assertEqual(self.simulate(*wish), {"key": "sinks.archive.workers", "least": 3})
        code, out, err = weir("simulate", "day", "--find", "min scenarios.day.services.archive.knee for p99 < 1ms", folder=self.folder)
        self.assertEqual((code, out, err.count("\n")), (1, "", 1), err)

    def test_an_assertion_sets_the_exit_code(self):
        self.scenarios()
        for text, code in (("p99 < 1h", 0), ("p99 < 1ms", 1), ("success >= 100%", 0), ("goodput > 1000/s", 1)):
            self.assertEqual(weir("simulate", "day", "--assert", text, folder=self.folder)[0], code, text)

    def test_the_example_is_thirty_seconds_late_without_a_bound_and_never_later_than_one_of_200_ms(self):
        runs = self.simulate(os.path.join(EXAMPLES, "bufferbloat", "weir.yaml"), "--set",
                             "sinks.archive.queue={ max_events: 2000, when_full: drop_oldest, reserved_for_high: 0% }")
        late, bounded = (run["sources"]["events"] for run in runs)
        self.assertAlmostEqual(late["max_ms"], 30_000, delta=150)
        self.assertAlmostEqual(runs[0]["sinks"]["archive"]["most_waiting"], 300_000, delta=300)
        self.assertEqual(late["ended"], {"stored": 900_000})
        self.assertLessEqual(bounded["max_ms"], 225)
        self.assertAlmostEqual(bounded["ended"]["stored"], 600_000, delta=3000)
        for run in runs:
            self.assert_littles_law(run)

    def test_bad_input_of_scenarios_is_one_line(self):
        self.scenarios()
        for options, code, said in [
                ([], 64, "name one of day, trouble, flaky, guarded"),
                (["dya"], 64, "no scenario"),
                (["day", "--load", "events=1/s"], 64, "leave --load"),
                (["day", "--set", "sinks.archive.workers"], 64, "write KEY=VALUE"),
                (["day", "--sweep", "x"], 64, "write KEY=VALUE"),
                (["day", "--find", "workers"], 64, "write 'min"),
                (["day", "--find", "min sinks.archive.workers for fun"], 64, "compares nothing"),
                (["day", "--find", "min sinks.archive.workers for p99 < 1s", "--sweep", "a=1"], 64, "one of the two"),
                (["day", "--assert", "p99"], 64, "compares nothing"),
                (["day", "--html", "no/such/place.html"], 64, "cannot be written"),
        ]:
            got, out, err = weir("simulate", *options, folder=self.folder)
            self.assertEqual((got, out, err.count("\n")), (code, "", 1), (options, out, err))
            self.assertIn(said, err, options)
        code, _, err = weir("simulate", "day", "--set", "sinks.archive.wrokers=2", folder=self.folder)
        self.assertNotEqual(code, 0)
        self.assertIn("did you mean workers?", err)

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
