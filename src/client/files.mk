# Sources of src/client, in order.
