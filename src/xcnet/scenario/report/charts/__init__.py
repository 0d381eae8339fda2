"""Small builders of SVG pictures. They know numbers, words and tones; nothing of runs, channels or faults."""
