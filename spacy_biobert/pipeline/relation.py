def make_relation() -> None: """Placeholder until the factory is written."""
