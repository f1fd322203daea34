"""The faults that make a server unready, and the watches that find them."""
