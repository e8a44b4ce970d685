"""Why a model said what it said: maps over the scan, each a claim that `medlab.explainers.trust` puts to the test."""
