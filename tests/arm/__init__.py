"""The same box on the processor it is for, under user emulation (`make test-arm`); function, never timing."""
