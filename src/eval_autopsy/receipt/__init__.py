"""Claims, the report that names them, and the folder that proves itself."""
