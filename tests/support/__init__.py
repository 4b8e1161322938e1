"""What several test files share: real servers, twins, legal histories, small worlds of our own."""
