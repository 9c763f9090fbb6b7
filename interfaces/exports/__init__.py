"""Files for other programs, made piece by piece: a long journal never lies in memory as a whole."""
