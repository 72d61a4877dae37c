"""A rehearsal ministry: invented agencies, people and inspectors that deliver real files and services."""
