package resample

func newPasses() passes { return new(swar) }
