"""What describes the open data of an edition to a catalogue: DCAT 3 as JSON-LD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.edges.annex import edition as wording
from tasks.edges.annex.edition import Edition

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
LANGUAGE = "http://publications.europa.eu/resource/authority/language/FAS"
PLACE = "http://publications.europa.eu/resource/authority/country/IRN"
YEARLY = "http://publications.europa.eu/resource/authority/frequency/ANNUAL"
DATAPACKAGE_2 = "https://datapackage.org/standard/data-package/"
SDMX_CSV_2 = "https://github.com/sdmx-twg/sdmx-csv"


def entry(package: Mapping[str, Any], edition: Edition, folder: str = "") -> dict[str, Any]:
    """Describe the data set of an edition.

    Args:
        package: its Data Package, whose files, sizes and hashes are described.
        edition: whose figures they are.
        folder: address of the folder of its files, relative to where the entry is read; empty beside them.

    Source:
        W3C (2024), Data Catalog Vocabulary (DCAT) Version 3.
    """
    return {
        "@context": CONTEXT,
        "@id": folder or "./",
        "@type": "dcat:Dataset",
        "dct:title": _persian(package["title"]),
        "dct:description": _persian(package["description"]),
        "dct:identifier": package["name"],
        "dct:issued": _date(edition.released_on.isoformat()),
        "dct:language": {"@id": LANGUAGE},
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": _persian(edition.contact)},
        "dcat:contactPoint": {"@type": "vcard:Organization", "vcard:fn": edition.contact},
        "dct:license": {"@id": wording.LICENCE_ADDRESS},
        "dct:accrualPeriodicity": {"@id": YEARLY},
        "dct:spatial": {"@id": PLACE},
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _date(edition.first_day.isoformat()),
            "dcat:endDate": _date(edition.last_day.isoformat()),
        },
        "dcat:keyword": list(package["keywords"]),
        "dcat:version": package["version"],
        "dcat:landingPage": {"@id": edition.address},
        "dcat:distribution": [
            _package_itself(folder),
            *(_distribution(resource, folder) for resource in package["resources"]),
        ],
    }


def from_afar(entry: Mapping[str, Any], folder: str, landing_page: str) -> dict[str, Any]:
    """Give an entry that was written beside its files as it reads from elsewhere.

    Args:
        entry: as `entry` wrote it, with addresses relative to itself.
        folder: address of its folder from there, with a slash at the end.
        landing_page: address of the page of its edition from there.
    """
    distributions = [
        one | {"dcat:downloadURL": {"@id": folder + one["dcat:downloadURL"]["@id"]}}
        for one in entry["dcat:distribution"]
    ]
    return dict(entry) | {
        "@id": folder,
        "dcat:landingPage": {"@id": landing_page},
        "dcat:distribution": distributions,
    }


def catalogue(entries: Sequence[Mapping[str, Any]], title_fa: str, publisher: str) -> dict[str, Any]:
    """Put the entries of several editions into one catalogue, newest first as given."""
    datasets = [{key: value for key, value in one.items() if key != "@context"} for one in entries]
    return {
        "@context": CONTEXT,
        "@id": "./",
        "@type": "dcat:Catalog",
        "dct:title": _persian(title_fa),
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": _persian(publisher)},
        "dct:language": {"@id": LANGUAGE},
        "dct:license": {"@id": wording.LICENCE_ADDRESS},
        "dcat:dataset": datasets,
    }


def _distribution(resource: Mapping[str, Any], folder: str) -> dict[str, Any]:
    algorithm, _, digest = resource["hash"].partition(":")
    told = {
        "@type": "dcat:Distribution",
        "dct:title": _persian(resource["title"]),
        "dcat:downloadURL": {"@id": folder + resource["path"]},
        "dcat:mediaType": {"@id": MEDIA_TYPES + resource["mediatype"]},
        "dcat:byteSize": {"@value": str(resource["bytes"]), "@type": "xsd:nonNegativeInteger"},
        "dct:license": {"@id": wording.LICENCE_ADDRESS},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": f"spdx:checksumAlgorithm_{algorithm}"},
            "spdx:checksumValue": {"@value": digest, "@type": "xsd:hexBinary"},
        },
    }
    return told | ({"dct:conformsTo": {"@id": SDMX_CSV_2}} if resource["path"].endswith(".sdmx.csv") else {})


def _package_itself(folder: str) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "dct:title": _persian("شرح ستون‌ها، کلیدها و فهرست‌ها (Data Package)"),
        "dcat:downloadURL": {"@id": f"{folder}datapackage.json"},
        "dcat:mediaType": {"@id": f"{MEDIA_TYPES}application/json"},
        "dct:conformsTo": {"@id": DATAPACKAGE_2},
        "dct:license": {"@id": wording.LICENCE_ADDRESS},
    }


def _persian(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "fa"}


def _date(written: str) -> dict[str, str]:
    return {"@value": written, "@type": "xsd:date"}
