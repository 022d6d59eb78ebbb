"""What a review says: its sentiment by words of our own or by a trained classifier, and what it speaks of.

`text` makes plain, `cutting` cuts, `words_zh` and `words_en` are the lexicon, `lexicon` reads with it (negation,
degree, contrast); `features` and `model` are the classifier, `training` fits and validates it; `aspects` says what
is spoken of, `scoring` gives a review its score by whichever knows more.
"""
