"""The model: classifier, voice profiles, calibration, and the folder that holds them."""
