"""Why a key fails: the evidence of a run -> its likely causes, most likely first. Pure."""

from keycheck.diagnosis.cause import CAUSES, Cause, Confidence, Diagnosis

__all__ = ["CAUSES", "Cause", "Confidence", "Diagnosis"]
