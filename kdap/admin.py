"""The door of Django admin: the same sign-in as everywhere, with its second factor."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

# Django's own form knows nothing of second factors; staff would walk around theirs.
admin.site.login = secure_admin_login(admin.site.login)
