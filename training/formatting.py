"""Numbers as people read them."""


def format_number(value: float) -> str:
    """Write a number with four digits, or with every digit before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def format_error(error: float) -> str:
    """Write a standard error with two digits, or with every digit before the point."""
    return f"{error:,.0f}" if error >= 100 else f"{error:.2g}"
