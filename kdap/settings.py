"""Every setting of KDAP, read once from the environment.

docs/settings.md lists them for people; `kdap/checks.py` refuses to start on wrong values.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if not env.bool("KDAP_TESTING", default=False):  # tests must not depend on one machine's file
    environ.Env.read_env(BASE_DIR / ".env")

# Who may reach us
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("KDAP_DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is empty. Give one in the environment, or start through "
        "`python3 manage.py`, which makes one and keeps it in the data directory."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
HTTPS = SITE_URL.startswith("https://")

# Where the data lives
DATA_DIR = Path(env.str("KDAP_DATA_DIR", default=str(BASE_DIR / ".kdap")))
DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://kdap@localhost/kdap")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": DATABASES["default"].get("OPTIONS", {})
    | {
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=20), "timeout": 10},
        "options": "-c default_transaction_isolation=read\\ committed -c jit=off",
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = DATA_DIR / "media"
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=2 * 1024**3)
# An import's preview sends five values for each of up to 500 columns.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("DATA_UPLOAD_MAX_MEMORY_SIZE", default=32 * 1024**2)

# Answers that a public form takes from one visitor's address
FORM_THROTTLE = env.str("FORM_THROTTLE", default="20/min")

# What works in the background; messages are hints, PostgreSQL keeps the truth
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="memory://")
if CELERY_BROKER_URL.startswith("filesystem:"):  # where there is no embedded Valkey
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker"),
        "data_folder_out": str(DATA_DIR / "broker"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
    }
    (DATA_DIR / "broker" / "control").mkdir(parents=True, exist_ok=True)
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_BEAT_SCHEDULE = {
    "event partitions": {"task": "workspaces.tasks.make_event_partitions", "schedule": 6 * 3600},
    "imports that fell silent": {"task": "records.tasks.revive_imports", "schedule": 10},
    "files of no import": {"task": "records.tasks.sweep_files", "schedule": 24 * 3600},
    "structure changes that fell silent": {
        "task": "records.tasks.revive_structure_jobs",
        "schedule": 10,
    },
    "half-made indexes": {"task": "records.indexes.sweep", "schedule": 60},
    "the trash": {"task": "records.tasks.purge_trash", "schedule": 24 * 3600},
    "seals of the log": {"task": "workspaces.tasks.seal_events", "schedule": 60},
    "history that is too old": {"task": "records.tasks.trim_history", "schedule": 24 * 3600},
    # The pilot beside every worker looks by itself; this is the net under it.
    "automations": {"task": "automations.tasks.tick", "schedule": 10},
    "runs that are too old": {"task": "automations.tasks.trim_runs", "schedule": 24 * 3600},
    "idempotency keys": {"task": "workspaces.tasks.purge_idempotency_keys", "schedule": 3600},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

CACHE_URL = env.str("CACHE_URL", default="locmemcache://")


def cache_of(url):
    """Return Django's settings of a cache by its URL; a Redis may be away without harm."""
    found = env.cache_url_config(url)
    if found["BACKEND"].endswith(".RedisCache"):
        found["BACKEND"] = "kdap.cache.ForgivingCache"
    return found


CACHES = {"default": cache_of(CACHE_URL)}

INSTALLED_APPS = [
    "accounts",
    "workspaces",
    "records",
    "automations",
    "kdap",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "kdap.apps.StaticFiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "template_partials",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "kdap.serving.Files",
    "kdap.middleware.ContentSecurityPolicy",
    "kdap.middleware.Charsets",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.SessionActivity",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.Preferences",
    "workspaces.middleware.Walls",
    # Last, so that its answers to exceptions come before Walls would undo the request.
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "kdap.urls"
WSGI_APPLICATION = None
ASGI_APPLICATION = "kdap.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspaces.context.shell",
            ],
            "builtins": ["template_partials.templatetags.partials", "accounts.templatetags.ui"],
        },
    }
]

# People and their sessions
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupForm"
ACCOUNT_FORMS = {
    "signup": "accounts.allauth_forms.SignupForm",
    "change_password": "accounts.allauth_forms.ChangePasswordForm",
    "set_password": "accounts.allauth_forms.SetPasswordForm",
    "reset_password_from_key": "accounts.allauth_forms.ResetPasswordKeyForm",
}
MFA_FORMS = {
    "authenticate": "accounts.allauth_forms.CodeForm",
    "reauthenticate": "accounts.allauth_forms.CodeAgainForm",
    "activate_totp": "accounts.allauth_forms.FirstCodeForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", default="optional")
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = True
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=30)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="KDAP <kdap@localhost>")

# Where automations may call besides public addresses: host:port of servers in private networks
AUTOMATIONS_ALLOWED_HOSTS = env.list("AUTOMATIONS_ALLOWED_HOSTS", default=[])
# MCP servers that workspaces may have run on this machine: {"name": {"command": ["…"]}}
AUTOMATIONS_MCP_SERVERS = env.json("AUTOMATIONS_MCP_SERVERS", default={})
# Calls that one address of a webhook takes, and how long the runs of workflows are kept
WEBHOOK_THROTTLE = env.str("WEBHOOK_THROTTLE", default="600/min")
RUNS_KEPT_DAYS = env.int("RUNS_KEPT_DAYS", default=90)
# Runs that one workspace may start in a day; 0 for as many as it likes
AUTOMATIONS_RUNS_PER_DAY = env.int("AUTOMATIONS_RUNS_PER_DAY", default=0)
# Bytes of files that the mails of one workspace's workflows keep, packed; 0 for as many as they have
MAILED_FILES_MAX_BYTES = env.int("MAILED_FILES_MAX_BYTES", default=1024**3)
# The models that agents can ask, by name (automations/agents/providers.py), and how many tasks of
# agents are carried out at once, by threads of one worker
AUTOMATIONS_MODELS = env.json("AUTOMATIONS_MODELS", default={})
AUTOMATIONS_AGENTS_AT_ONCE = env.int("AUTOMATIONS_AGENTS_AT_ONCE", default=4)

# Language and time
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

# Files of our own
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "kdap.bundles.Bundles",
]
STATIC_ROOT = BASE_DIR / "staticfiles"
STATIC_MANIFEST = env.bool("STATIC_MANIFEST", default=False)
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "kdap.staticfiles.HashedFiles"
        if STATIC_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Walls towards the browser
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["kdap.api.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["kdap.api.OrjsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["kdap.api.PerActorThrottle"],
    "DEFAULT_THROTTLE_RATES": {"actor": env.str("API_THROTTLE", default="6000/min")},
    "EXCEPTION_HANDLER": "kdap.api.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "KDAP",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "Role": "workspaces.models.Role",
        "InvitableRole": "workspaces.api.INVITABLE",
        "AgentTaskPriority": "automations.agents.models.AgentTask.Priority",
        "WorkflowState": "automations.models.Workflow.State",
        "RunStatus": "automations.models.WorkflowRun.Status",
        "WebhookState": "automations.models.WebhookSubscription.State",
        "WebhookEvent": "automations.models.WebhookSubscription.Kind",
        "DeliveryStatus": "automations.models.WebhookDelivery.Status",
        "StepStatus": "automations.models.WorkflowStep.Status",
        "MailState": "automations.api_mails.MAIL_STATES",
        "ProposalState": "automations.agents.api_fillings.PROPOSAL_STATES",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "filters": {"secrets": {"()": "kdap.logs.HideSecrets"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["secrets"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
