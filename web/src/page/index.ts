document.body.dataset.page = "index";
