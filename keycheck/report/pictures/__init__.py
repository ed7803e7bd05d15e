"""The numbers of a run -> shapes to draw. Pure: geometry and words; `picture.html` beside it makes SVG of them.

Across, all is in per cent and all down in pixels: a picture grows with its page, and its words keep their size.
"""
