"""Chinese against English, through Elasticsearch as users ask it: on the server that runs (`profilestore up`).

The same generated shop in two languages: English with the sentence model, Chinese with word vectors. Prints
for each how many of 200 planted queries `search` answers within the first 10, and the NDCG@10 of `similar`
with products of one planted cluster as truth. Wanted: found >= 0.95, and NDCG of Chinese >= 0.9 of English.
Uses prefixes of its own and removes their indices.

    python scripts/measure_findability.py [--products 1500]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from profilestore import ProfileStore, Settings
from profilestore.elastic import indices
from profilestore.elastic.client import connect
from profilestore.elastic.local_server import server_url
from profilestore.ingest.sample import SampleShop, generate_shop


def ndcg_at_10(found: Sequence[str], product_id: str, clusters: dict[str, str]) -> float:
    own = clusters[product_id]
    alike = sum(cluster == own for cluster in clusters.values()) - 1
    gained = sum(1 / math.log2(i + 2) for i, other in enumerate(found[:10]) if clusters[other] == own)
    return gained / sum(1 / math.log2(i + 2) for i in range(min(10, alike)))


def measure(settings: Settings, shop: SampleShop, *, language: str) -> tuple[float, float]:
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products(shop.products)
        model = store.status()["models"]["text"]
        queries = [(zh if language == "zh" else en, product_id) for product_id, zh, en in shop.truth.queries]
        answers = store.search_many([words for words, _ in queries], n=10)
        found = [wanted in answer.product_ids for answer, (_, wanted) in zip(answers, queries, strict=True)]
        clusters = dict(shop.truth.product_clusters)
        answers_like = store.similar_many(sorted(clusters), n=10)
        quality = [ndcg_at_10(answer.product_ids, answer.product_id, clusters) for answer in answers_like]
    share, ndcg = sum(found) / len(found), sum(quality) / len(quality)
    print(f"{language}: text model {model}, found within 10: {share:.3f} of {len(found)}, similar NDCG@10 {ndcg:.3f}")
    return share, ndcg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1500)
    products = parser.parse_args().products
    figures = {}
    for language, text_model in (("en", "minilm"), ("zh", "auto")):
        settings = Settings.load(prefix=f"measure-finding-{language}", text_model=text_model)
        shop = generate_shop(language=language, users=10, products=products, events=100)  # type: ignore[arg-type]  # a Literal
        try:
            figures[language] = measure(settings, shop, language=language)
        finally:
            client = connect(settings, url=server_url(settings))
            for kind in indices.KINDS:
                alias = settings.index(kind)
                for name in client.indices.get_settings(index=f"{alias}-0*").body:
                    indices.delete_index(client, name)
                client.options(ignore_status=404).indices.delete_index_template(name=alias)
    print(f"similar, Chinese / English: {figures['zh'][1] / figures['en'][1]:.2f} (wanted at least 0.90)")


if __name__ == "__main__":
    main()
