"""Many runs: notebooks with parameters, sweeps over knobs, all figures of a study; nothing done twice."""
