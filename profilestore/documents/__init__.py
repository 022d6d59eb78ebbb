"""What is in Elasticsearch, as frozen pydantic models: products, users, events, profiles.

The mapping of each index stands in `mappings/`; `profilestore init --check` compares the two.
"""

from profilestore.documents.activity import ActivityDocument
from profilestore.documents.audience import AudienceDocument
from profilestore.documents.audit import AuditDocument
from profilestore.documents.campaign import CampaignDocument, assignment_id, campaign_id, contact_id
from profilestore.documents.coupon import CouponDocument, code_id, coupon_id, pool_id
from profilestore.documents.demand import DemandWeek
from profilestore.documents.event import EVENT_TYPES, Event, content_id
from profilestore.documents.figure import FigureDocument
from profilestore.documents.meta import IndexMeta
from profilestore.documents.product import Product, ProductDocument
from profilestore.documents.profile import FoldPosition, ProfileDocument, Revision
from profilestore.documents.recommendation import RecommendationList
from profilestore.documents.user import USER_FIELDS, User

__all__ = [
    "EVENT_TYPES",
    "USER_FIELDS",
    "ActivityDocument",
    "AudienceDocument",
    "AuditDocument",
    "CampaignDocument",
    "CouponDocument",
    "DemandWeek",
    "Event",
    "FigureDocument",
    "FoldPosition",
    "IndexMeta",
    "Product",
    "ProductDocument",
    "ProfileDocument",
    "RecommendationList",
    "Revision",
    "User",
    "assignment_id",
    "campaign_id",
    "code_id",
    "contact_id",
    "content_id",
    "coupon_id",
    "pool_id",
]
