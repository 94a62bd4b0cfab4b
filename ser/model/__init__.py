"""The model: classifier, perceptrons, calibration, voice profiles, and what is predicted."""
