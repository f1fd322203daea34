// Shows the server's own description. Nothing comes from another site, and nothing goes to one.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  displayRequestDuration: true,
  validatorUrl: null,
});
