"""The numbers of a run -> shapes and texts of its pictures. Pure; the template `picture.html` turns them into SVG.

Horizontal lengths are in per cent, vertical ones in pixels: a picture is as wide as its page, and its texts keep their
size.
"""
