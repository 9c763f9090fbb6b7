"""Audits of a store: what can be proven of its log, without trusting anything else."""
