document.body.dataset.page = "calendar";
