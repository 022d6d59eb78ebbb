"""The products of the generated shop: titles and descriptions in two languages, prices, stock."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from profilestore.documents import Product
from profilestore.ingest.sample_events import Dice, Item
from profilestore.ingest.sample_words import CATEGORIES, CLUSTERS, GENERAL_PHRASES, SUBCATEGORIES, Pair, Subcategory

__all__ = ["Language", "MadeProduct", "make_products"]

Language = Literal["mixed", "zh", "en"]
_SENTENCE: Final = re.compile(r"(?:^|\. )[a-z]")
_DESCRIPTIONS: Final = (
    ("{m}材质，{b}，{s}的好选择。{f}设计，{g}。", "Made of {m}: {b}. A good choice for {s}. With {f}. {g}."),
    ("专为{s}而选，{b}。精选{m}，{f}，{g}。", "Chosen for {s}; {b}. Selected {m}, {f}. {g}."),
    ("{f}的细节，{m}的品质。无论{s}都能胜任，{b}。", "The detail of {f}, the quality of {m}. Right for {s}, and {b}."),
    ("{g}。{s}也适合，{b}，{m}用料，{f}。", "{g}. It suits {s} too: {b}, with {m} and {f}."),
)


@dataclass(frozen=True)
class MadeProduct:
    """A generated product before its language is chosen."""

    product_id: str
    kind: Subcategory
    brand: Pair
    variant: Pair
    noun: Pair
    material: Pair
    features: tuple[Pair, Pair, Pair]
    benefit: Pair
    description: Pair | None
    price: float
    stock: int
    released: date

    def title(self) -> Pair:
        """Brand, what it is and has, and its variant."""
        first, second, _ = self.features
        english = f"{first.en} {self.material.en} {self.noun.en}"
        return Pair(
            f"{self.brand.zh} {first.zh}{self.material.zh}{self.noun.zh} {second.zh} {self.variant.zh}",
            f"{self.brand.en} {english[0].upper()}{english[1:]}, {second.en}, {self.variant.en}",
        )

    def searches(self) -> tuple[tuple[str, str], ...]:
        """What somebody who wants this product would type, as (Chinese, English)."""
        first, second, _ = self.features
        wordings = (
            (self.brand, first, self.noun),
            (first, self.material, self.noun),
            (second, self.noun, self.variant),
            (self.material, self.noun, self.brand),
            (self.variant, first, self.noun),
        )
        return tuple((" ".join(p.zh for p in words), " ".join(p.en for p in words)) for words in wordings)

    def to_item(self) -> Item:
        """What the shoppers need to know of it."""
        return Item(self.product_id, self.kind.cluster, self.brand.en, self.price, self.noun, self.benefit,
                    self.searches())  # fmt: skip

    def to_product(self, language: Language) -> Product:
        """The row of the catalogue in this language."""

        def say(pair: Pair) -> str:
            return f"{pair.zh} {pair.en}" if language == "mixed" else str(getattr(pair, language))

        name = CATEGORIES[self.kind.category].name
        return Product(
            product_id=self.product_id, title=say(self.title()),
            description=None if self.description is None else say(self.description),
            # Filters take the name as it is written, so the category has one language in every shop.
            category=name.zh if language == "zh" else name.en, brand=say(self.brand), price=self.price,
            stock=self.stock, released=self.released,
        )  # fmt: skip


def make_products(count: int, dice: Dice, end: datetime) -> list[MadeProduct]:
    """Products p00001, p00002, …, spread evenly over the subcategories, no two of one title."""
    made: list[MadeProduct] = []
    taken: set[str] = set()
    for number in range(1, count + 1):
        kind = SUBCATEGORIES[(number * 7) % len(SUBCATEGORIES)]
        product = _make_product(f"p{number:05d}", kind, dice, end)
        for _ in range(20):  # two products of one title would be one to whoever searches
            if product.title().zh not in taken:
                break
            product = _make_product(f"p{number:05d}", kind, dice, end)
        taken.add(product.title().zh)
        made.append(product)
    return made


def _make_product(product_id: str, kind: Subcategory, dice: Dice, end: datetime) -> MadeProduct:
    category, cluster = CATEGORIES[kind.category], CLUSTERS[kind.cluster]
    first, second, third = dice.pick_several(kind.features, n=3)
    material, benefit = dice.pick(kind.materials), dice.pick(cluster.benefits)
    zh, en = dice.pick(_DESCRIPTIONS)
    words = {"m": material, "b": benefit, "s": dice.pick(cluster.scenes), "f": third,
             "g": dice.pick(GENERAL_PHRASES)}  # fmt: skip
    description = Pair(
        zh.format(**{key: pair.zh for key, pair in words.items()}),
        _SENTENCE.sub(lambda start: start[0].upper(), en.format(**{key: pair.en for key, pair in words.items()})),
    )
    normal = math.sqrt(-2.0 * math.log(1.0 - dice.roll())) * math.cos(2.0 * math.pi * dice.roll())
    price = max(5.0, round(kind.price * math.exp(0.6 * category.price_sigma * normal))) - 0.1
    return MadeProduct(
        product_id=product_id, kind=kind, brand=dice.pick(category.brands), variant=dice.pick(category.variants),
        noun=dice.pick(kind.nouns), material=material, features=(first, second, third), benefit=benefit,
        description=None if dice.chance(0.03) else description, price=round(price, 2),
        stock=0 if dice.chance(0.08) else 1 + int(dice.exponential(120)),
        released=(end - timedelta(days=1 + dice.below(900))).date(),
    )  # fmt: skip
