"""The baselines that every network has to beat; each is a module that makes and scores it."""
