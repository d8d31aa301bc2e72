"""Pictures changed anew in each epoch, so that a network sees more than the training part.

digits.py           digits as other pens and cameras would have made them
warping.py          digits rotated, sheared, stretched, moved and bent
regional_digits.py  a flag and a foot for the 1, a bar and a serif for the 7
pictures.py         pictures of any kind mirrored, moved, and hidden in part
"""
