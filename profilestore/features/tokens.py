"""Text -> tokens, for the lexical index, the topic model and the word vectors alike.

Chinese is cut by jieba in search mode (a long word and the shorter words within it), other scripts at
what is neither letter nor digit, English words to their Snowball stem. Documents and queries pass the
same function, so that what was indexed is found.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

__all__ = ["HAN", "chinese_share", "content_tokens", "content_words", "cut_words", "stem", "tokenize"]

# The characters of Chinese, as the inside of a regular expression's class.
HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# A run of Chinese, a number with its decimals and unit, a word (with what follows an apostrophe).
_RUNS: Final = re.compile(rf"[{HAN}]+|\d+(?:\.\d+)+[^\W_{HAN}]*|[^\W_{HAN}]+(?:['’][^\W_{HAN}]+)*")
_HAN_ONLY: Final = re.compile(rf"[{HAN}]")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_ENGLISH: Final = re.compile(r"[a-z]+(?:['’][a-z]+)*")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
# A term of Lucene's whitespace analyzer is cut at 255 characters; ours never gets there.
_LONGEST: Final = 100

_ENGLISH_STOPS: Final = """
    a about above after again against all also am an and any are aren't as at be because been before being below
    between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each etc
    every few for from further get gets had hadn't has hasn't have haven't having he her here hers herself him himself
    his how i if in into is isn't it it's its itself just let let's may me might more most much must my myself no nor
    not now of off on once one only or other our ours ourselves out over own per same she should shouldn't so some
    such than that that's the their theirs them themselves then there these they this those through to too under until
    up upon us very via was wasn't we were weren't what when where which while who whom why will with within without
    won't would wouldn't you your yours yourself yourselves"""
_CHINESE_STOPS: Final = """
    的 了 和 是 在 也 都 就 而 及 与 或 等 着 被 把 让 给 对 从 到 向 于 以 为 之 其 这 那 这个 那个
    这些 那些 一个 一种 一款 一些 我 你 您 他 她 它 我们 你们 他们 自己 大家 不 没 没有 不是 很 更 最 太
    还 又 再 才 只 已 已经 可 可以 能 能够 会 将 要 有 无 上 下 中 里 内 外 前 后 时 每 各 个 款 件 条
    只 双 套 该 此 并 且 但 但是 如果 因为 所以 由 由于 因此 以及 非常 十分 比较 而且 吗 呢 吧 啊 呀 哦
    嗯 得 地 所 则 即 如 像 用 来 去 说 做 让你 使 使用 采用 适合 本 本款 不再 无论 都能"""
_ENGLISH_STOP_WORDS: Final = frozenset(_ENGLISH_STOPS.split())
_CHINESE_STOP_WORDS: Final = frozenset(_CHINESE_STOPS.split())
_local = threading.local()


def tokenize(text: str) -> list[str]:
    """All tokens of a text, in its order and with repeats, for indexing and querying. Never raises.

    Tokens hold no white space, so that their join by spaces fits a `whitespace` analysed field.
    """
    tokens: list[str] = []
    for run in _runs(text):
        if _HAN_ONLY.match(run) is not None:
            tokens.extend(_cut_chinese(run))
        else:
            tokens.append(_stem(run) if _ENGLISH.fullmatch(run) is not None else run[:_LONGEST])
    return tokens


def content_tokens(text: str) -> list[str]:
    """The tokens that say what a text is about: no stop words, numbers, single characters, or words within words."""
    return [token for token, _ in content_words(text)]


def content_words(text: str) -> list[tuple[str, str]]:
    """As `content_tokens`, each with the word it was made of: what a person reads is not the stem."""
    found: list[tuple[str, str]] = []
    for run in _runs(text):
        if _HAN_ONLY.match(run) is not None:
            cut = _cut_chinese(run, parts=False)
            found.extend((token, token) for token in cut if len(token) > 1 and token not in _CHINESE_STOP_WORDS)
        elif len(run) > 1 and _LETTERS.search(run) is not None and run.replace("’", "'") not in _ENGLISH_STOP_WORDS:
            word = run[:_LONGEST]
            found.append((_stem(run) if _ENGLISH.fullmatch(run) is not None else word, word))
    return found


def cut_words(run: str) -> list[str]:
    """The words of a run of Chinese in their order, each character once: joined they are the run again."""
    return list(_jieba().cut(run, HMM=False))


def stem(word: str) -> str:
    """The Snowball stem of an English word in lower case."""
    return _stem(word)


def chinese_share(texts: Iterable[str]) -> float:
    """Share of Chinese characters among all letters of the texts, from 0 to 1; 0 where there are none."""
    chinese = letters = 0
    for text in texts:
        letters += len(_LETTERS.findall(text))
        chinese += len(_HAN_ONLY.findall(text))
    return chinese / letters if letters > 0 else 0.0


def _runs(text: str) -> list[str]:
    normal = unicodedata.normalize("NFKC", text).lower()
    if not normal.isascii():  # café is found as cafe
        normal = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", normal)))
    return _RUNS.findall(normal)


def _cut_chinese(run: str, *, parts: bool = True) -> list[str]:
    # Without jieba's hidden Markov model: its guesses at unknown words depend on their neighbours, so that
    # a brand in a title and the same brand in a query can be cut differently. Characters that are in no
    # word of the dictionary stand for themselves and, two by two, for the words they may be.
    tokens: list[str] = []
    previous = ""
    cut = _jieba().cut_for_search if parts else _jieba().cut
    for token in cut(run, HMM=False):
        tokens.append(token)
        single = len(token) == 1 and token not in _CHINESE_STOP_WORDS
        if single and previous != "":
            tokens.append(previous + token)
        previous = token if single else ""
    return tokens


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:  # one a thread: a stemmer keeps the word it works on in itself
        import snowballstemmer

        stemmer = _local.stemmer = snowballstemmer.stemmer("english")
    return str(stemmer.stemWord(word.replace("’", "'")))[:_LONGEST]


@cache
def _jieba() -> Any:
    with warnings.catch_warnings():
        # jieba 0.42.1 has invalid escapes in its patterns and asks setuptools for pkg_resources.
        warnings.simplefilter("ignore")
        import jieba

        # Its dictionary is read here and not through its cache, a fixed name in the world-writable folder
        # of temporary files that any user of the machine could have put there. It is as fast.
        tokenizer = jieba.Tokenizer()
        with tokenizer.get_dict_file() as dictionary:
            tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(dictionary)
    tokenizer.initialized = True
    return tokenizer
