"""Tests of `flows/gates`."""
