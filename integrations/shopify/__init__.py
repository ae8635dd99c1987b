"""Shopify, through an app that merchants install; README.md has what goes over the wire."""

from integrations.shopify.platform import Shopify

PLATFORM = Shopify
