"""Bridges to other libraries, one module each; the other library is imported only when a bridge is crossed."""
