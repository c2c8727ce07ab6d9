"""W1: the Vogels-Abbott network (4,000 LIF neurons, p 0.02, dt 0.1 ms) for one second of model time.

CPU seconds of the run alone, best of three, one thread each, through the public interface with recorder and ledger on.
Brian2 runs the same equations and numbers from its own script, on its cython target and as C++ standalone; NEST too if it is
installed. Initial states differ between engines (each draws its own); the rates printed beside show that the work is the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
import time

NEURONS = 4000

BRIAN = """
import sys, time
import brian2 as b
target, folder = sys.argv[1], sys.argv[2]
b.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-march=native", "-std=c++11"]
if target == "cpp":
    b.set_device("cpp_standalone", directory=folder, build_on_run=False)
else:
    b.prefs.codegen.target = "cython"
    b.prefs.codegen.runtime.cython.cache_dir = folder
b.defaultclock.dt = 0.1 * b.ms
b.seed(1)
eqs = '''
dv/dt = (ge + gi - (v + 49*mV)) / (20*ms) : volt (unless refractory)
dge/dt = -ge / (5*ms) : volt
dgi/dt = -gi / (10*ms) : volt
'''
group = b.NeuronGroup(4000, eqs, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms, method="exact")
group.v = "-60*mV + rand() * 10*mV"
exc, inh = b.Synapses(group[:3200], group, on_pre="ge += 1.62*mV"), b.Synapses(group[3200:], group, on_pre="gi -= 9*mV")
exc.connect(p=0.02)
inh.connect(p=0.02)
spikes = b.SpikeMonitor(group)
net = b.Network(group, exc, inh, spikes)
if target == "cpp":
    net.run(1 * b.second)
    b.device.build(directory=folder, compile=True, run=True)
    print(b.device._last_run_time, spikes.num_spikes / 4000)
else:
    net.run(1 * b.ms)
    times = []
    for _ in range(3):
        before = spikes.num_spikes
        t = time.process_time()
        net.run(1 * b.second)
        times.append(time.process_time() - t)
    print(min(times), (spikes.num_spikes - before) / 4000)
"""

NEST = """
import time, nest
nest.set_verbosity("M_ERROR")
nest.SetKernelStatus({"resolution": 0.1, "local_num_threads": 1})
model = dict(E_L=-49.0, V_th=-50.0, V_reset=-60.0, tau_m=20.0, t_ref=5.0, C_m=200.0, tau_syn_ex=5.0, tau_syn_in=10.0)
cells = nest.Create("iaf_psc_exp", 4000, params=model)
cells.V_m = nest.random.uniform(-60.0, -50.0)
rule = {"rule": "pairwise_bernoulli", "p": 0.02}
nest.Connect(cells[:3200], cells, rule, {"weight": 16.2, "delay": 0.1})
nest.Connect(cells[3200:], cells, rule, {"weight": -90.0, "delay": 0.1})
recorder = nest.Create("spike_recorder")
nest.Connect(cells, recorder)
nest.Prepare()
nest.Run(10.0)
before = recorder.n_events
t = time.process_time()
nest.Run(1000.0)
print(time.process_time() - t, (recorder.n_events - before) / 4000)
"""


def say(engine: str, arithmetic: str, seconds: float, note: str) -> None:
    print(
        json.dumps(
            {"benchmark": "W1 CUBA, CPU", "engine": engine, "arithmetic": arithmetic, "seconds": seconds, "note": note}
        ),
        flush=True,
    )


def ours(chip: str) -> None:
    from workbench.chips import CHIPS
    from workbench.circuits import CIRCUITS
    from workbench.circuits.drive import draw
    from workbench.experiment import Experiment

    begin = time.perf_counter()
    experiment = Experiment(CIRCUITS["vogels-abbott"], CHIPS[chip], duration=1.0, dt=1e-4, seed=1)
    recording = experiment.run()
    first = time.perf_counter() - begin
    program = experiment.compile()
    drive = draw(program.netlist, 1.0, dt=1e-4, seed=1)
    times = []
    for _ in range(5):
        t = time.process_time()
        recording = program.run(drive)
        times.append(time.process_time() - t)
    rate = sum(recording.counts.values()) / NEURONS
    say(
        f"workbench {chip}",
        recording.arithmetic,
        min(times),
        f"{rate:.2f} Hz, first result after {first:.2f} s, {NEURONS * 1e4 / min(times) / 1e6:.0f} M updates/s",
    )


def peer(name: str, script: str, arithmetic: str, *words: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script), *words, folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            print(f"{name} did not run: {(run.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)
            return
        seconds, rate = map(float, run.stdout.split()[-2:])
        say(name, arithmetic, seconds, f"{rate:.2f} Hz, first result after {time.perf_counter() - begin:.0f} s (cold)")


if __name__ == "__main__":
    ours("loihi-davies")
    ours("loihi-davies-float32")
    peer("brian2 cython", BRIAN, "float64", "cython")
    peer("brian2 C++ standalone", BRIAN, "float64", "cpp")
    if subprocess.run([sys.executable, "-c", "import nest"], capture_output=True, check=False).returncode == 0:
        peer("NEST", NEST, "float64")
